"""Scores images: from an event or a folder to result documents."""
