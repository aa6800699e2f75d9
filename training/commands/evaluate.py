"""``cellflag train evaluate``."""

from pathlib import Path

import click
from rich.console import Console

from training.commands.options import CELLS, NEW_FOLDER, SEED
from training.commands.shell import new_run_folder, one_line_errors

TRIED = 24


@click.command()
@click.argument("measured", type=click.Path(exists=True, path_type=Path))
@click.option("--cells", type=CELLS, help="The cells themselves: an index or folder, as the run got it.")
@click.option("--out", type=NEW_FOLDER, help="New folder.  [default: MEASURED/evaluation of a run, else runs/…]")
@SEED
def evaluate(measured: Path, cells: Path | None, out: Path | None, seed: int) -> None:
    """Judge a model by cells of subjects that it never saw.

    MEASURED is a run's folder, or its out-of-fold.csv, or the folder of a served model, which then predicts --cells.
    Writes report.html, one file with all charts, intervals over subjects, the cells that are called wrong, and what the
    detector of unlike images catches; and metrics.json with the same figures.
    """
    from training.evaluation.predictions import OUT_OF_FOLD

    is_run = (measured / OUT_OF_FOLD).is_file()
    is_model = not is_run and (measured / "model.onnx").is_file()
    if measured.is_dir() and not is_run and not is_model:
        raise click.UsageError(f"{measured} is neither a run (it has no {OUT_OF_FOLD}) nor a model (no model.onnx).")
    if is_model and cells is None:
        raise click.UsageError("A served model has to predict something: name labelled cells with --cells.")
    out = new_run_folder(out or (measured / "evaluation" if is_run else None), "evaluation")
    console = Console(stderr=True)
    with one_line_errors():
        from rich.progress import Progress

        from lambda_fn.model import Model
        from training.data.sources import find_cells
        from training.evaluation.predictions import predict_cells, read_predictions, with_groups_of
        from training.evaluation.unusual_images import KINDS, sample_of, show_unusual_images
        from training.report.evaluation import write_report

        model_folder = measured if is_model else (measured if is_run else measured.parent) / "model"
        found = find_cells(cells)[1] if cells else None
        with Progress(console=console) as bars:
            if is_model and cells:
                task = bars.add_task("Predicting", total=None)
                predictions = predict_cells(
                    measured, cells, lambda done, total: bars.update(task, completed=done, total=total)
                )
            else:
                predictions = read_predictions(measured / OUT_OF_FOLD if is_run else measured, model_folder)
                predictions = with_groups_of(predictions, found or ())
            unusual, unusual_of = [], ""
            if (model_folder / "model.onnx").is_file():
                images, unusual_of = sample_of(found, TRIED, seed)
                task = bars.add_task("Unusual images", total=KINDS)
                for shown in show_unusual_images(Model(model_folder), images, seed):
                    unusual.append(shown)
                    bars.update(task, completed=len(unusual))
        with console.status("Measuring and drawing"):
            metrics = write_report(out, predictions, found, unusual, unusual_of, seed)
    figures = {
        "ROC AUC": metrics["ranking"]["roc_auc"],
        "weighted F1": metrics["at_half"]["weighted_f1"],
        "review share": metrics["triage"]["review_share"],
    }
    for name, estimate in figures.items():
        click.echo(f"{name:<13} {estimate.value:.3f}  ({estimate.low:.3f} to {estimate.high:.3f})")
    click.echo(f"{out / 'report.html'} and metrics.json are written.")
