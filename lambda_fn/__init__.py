"""Score images of single white blood cells: from an event or a folder to result documents."""
