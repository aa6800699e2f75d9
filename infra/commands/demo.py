"""The demonstration: the whole system on this machine, without an account at AWS."""

import tempfile
from pathlib import Path

import click

# What a command needs is imported when it runs: `cellflag --help` waits for none of it.


@click.command()
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@click.option("--count", default=24, show_default=True, type=click.IntRange(1, 1000), help="How many cells to draw.")
@click.option("--seed", default=0, show_default=True, help="Another seed draws other cells.")
@click.option("--out", type=click.Path(path_type=Path), help="Where results go; cellflag-demo if not given.")
@click.option("--keep", is_flag=True, help="Leave the local cloud up; `cellflag local down` ends it.")
def demo(folder: Path | None, count: int, seed: int, out: Path | None, keep: bool) -> None:
    """Deploy cellflag to a local cloud and score cells there.

    Scores every image below FOLDER, or, without one, cells that a program draws. It needs no account at AWS and no
    Docker, and leaves nothing behind but the results.
    """
    from infra.commands.local import print_access
    from infra.demo.demonstration import demonstrate, drawn_images, free_folder, images_in
    from infra.local_cloud.lifetime import cloud_folder

    out = free_folder(out)
    with tempfile.TemporaryDirectory(prefix="cellflag-cells-") as drawn, cloud_folder(keep=keep) as cloud:
        images = images_in(folder) if folder else drawn_images(Path(drawn), count, seed)
        stack = demonstrate(images, cloud, out)
    if keep:
        print_access(stack)
