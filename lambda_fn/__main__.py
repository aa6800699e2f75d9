"""The command ``cellflag score``: score a folder of images without a cloud."""

import secrets
from collections import Counter
from dataclasses import replace
from pathlib import Path

import click
from rich.console import Console
from rich.progress import track

from lambda_fn.decisions import Explain, Policy
from lambda_fn.files import write_whole
from lambda_fn.folders import list_images, name_fault
from lambda_fn.keys import RESULTS, REVIEW
from lambda_fn.own_thresholds import policy_of
from lambda_fn.results import decision_or_rejected
from lambda_fn.settings import EXPLAIN_CHOICES, LARGEST_UM_PER_PX, SMALLEST_UM_PER_PX
from lambda_fn.terminal import printable, show_failures

_AUDIT_SALT = ".audit-salt"


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder of the documents.")
@click.option("--overwrite", is_flag=True, help="Write into OUT even if it already holds documents.")
@click.option(
    "--explain",
    type=click.Choice(EXPLAIN_CHOICES),
    default=Policy.explain,
    show_default=True,
    help="Images whose documents say how the probability comes about; flagged ones ask for review.",
)
@click.option(
    "--audit-share",
    type=click.FloatRange(0, 1),
    default=Policy.audit_share,
    show_default=True,
    help="Share of the decided cells to flag by chance, so that `cellflag promise` can check the promised error rates.",
)
@click.option(
    "--thresholds",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Decide by the thresholds in this file of `cellflag recalibrate`, instead of the model's.",
)
@click.option(
    "--um-per-px",
    type=click.FloatRange(SMALLEST_UM_PER_PX, LARGEST_UM_PER_PX),
    help="Scale of the images, in micrometres a pixel.  [default: the one that a PNG or TIFF states]",
)
def score(
    folder: Path,
    out: Path,
    overwrite: bool,
    explain: Explain,
    audit_share: float,
    thresholds: Path | None,
    um_per_px: float | None,
) -> None:
    """Score every image below FOLDER without a cloud.

    Writes OUT/results/<path below FOLDER>.json for each image, and OUT/review/<path below FOLDER>.json for each image
    that a person should look at. The deployed function writes the same documents, with the bucket's name in them.
    --audit-share draws other cells in each OUT, and the same ones again in the same OUT; OUT/.audit-salt decides which.
    `cellflag results --folder OUT` lists them, exports them, and sums up slides.

    A file that cannot be read, or whose document cannot be written, is named at the end. The others are scored all the
    same, and the exit code is 1.
    """
    if out.resolve() == folder.resolve():
        raise click.UsageError(f"{out} holds the images: name another folder for the documents.")
    listing = list_images(folder, outside=out)
    passed_over = listing.describe_passed_over()
    if not listing.images:
        raise click.UsageError(listing.describe_lack(folder, "are scored"))
    if not overwrite and any((out / prefix).exists() for prefix in (RESULTS, REVIEW)):
        raise click.UsageError(f"{out} already holds documents: name another folder, or add --overwrite.")

    from lambda_fn.model import Model
    from lambda_fn.scoring import score as score_image
    from lambda_fn.stores import read_from_folder, write_to_folder

    model = Model()
    policy = replace(policy_of(thresholds, model.manifest, explain), um_per_px=um_per_px)
    if audit_share:
        policy = replace(policy, audit_share=audit_share, audit_salt=_audit_salt(out))
    counts: Counter[str] = Counter()
    failures: list[str] = []
    for path in track(listing.images, "Scoring", console=Console(stderr=True)):
        key = path.relative_to(folder).as_posix()
        if fault := name_fault(key):
            failures.append(f"{path}: {fault}")
            continue
        try:
            document = score_image(model, read_from_folder(folder, path, model.manifest.limits), policy)
            write_to_folder(out, document)
        except OSError as error:
            failures.append(f"{error.filename or path}: {error.strerror}")
            continue
        counts[decision_or_rejected(document)] += 1
    click.echo(
        f"{counts.total()} images: {counts['ALL']} ALL, {counts['normal']} normal, {counts['review']} to review, "
        f"{counts['rejected']} rejected. Documents in {printable(str(out))}.{passed_over}"
    )
    if failures:
        show_failures(failures)
        raise click.ClickException(f"{len(failures)} of {len(listing.images)} images have no document.")


def _audit_salt(out: Path) -> str:
    """The salt of a folder's draws, which is made at the first of them."""
    path = out / _AUDIT_SALT
    if not path.is_file():
        write_whole(path, secrets.token_hex(16).encode())
    return path.read_text("ascii")


if __name__ == "__main__":
    score()
