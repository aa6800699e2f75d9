"""``cellflag demo``."""

import tempfile
from pathlib import Path

import click

# The command imports large libraries when it runs, so that `cellflag --help` does not wait for them.


@click.command()
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@click.option("--count", default=24, show_default=True, type=click.IntRange(1, 1000), help="Number of cells to draw.")
@click.option("--seed", default=0, show_default=True, help="Seed of the drawn cells.")
@click.option("--out", type=click.Path(path_type=Path), help="New folder for the results.  [default: cellflag-demo]")
@click.option("--keep", is_flag=True, help="Leave the local cloud up. `cellflag local down` ends it.")
def demo(folder: Path | None, count: int, seed: int, out: Path | None, keep: bool) -> None:
    """Deploy cellflag to a local cloud and score cells there.

    Scores every image in FOLDER and below. Without FOLDER, it draws sample cells and scores them. It needs neither an
    AWS account nor Docker. Only the results stay on this machine.
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
