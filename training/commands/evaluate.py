"""``cellflag train evaluate``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

from lambda_fn.manifest import GRAPH_FILE
from training.commands.options import CELLS, NEW_FOLDER, SEED
from training.commands.shell import one_line_errors
from training.runs.run_folder import take_new

if TYPE_CHECKING:
    from collections.abc import Sequence

    from training.data.labelled_cell import LabelledCell
    from training.evaluation.predictions import Predictions
    from training.evaluation.unusual_images import Shown
    from training.runs.progress import RunProgress

# Images of each unusual kind that the model is tried on.
UNUSUAL_IMAGES = 24


@click.command()
@click.argument("measured", type=click.Path(exists=True, path_type=Path))
@click.option("--cells", type=CELLS, help="The labelled cells: an index or folder, as the run got it.")
@click.option("--out", type=NEW_FOLDER, help="New folder.  [default: MEASURED/evaluation of a run, else runs/…]")
@SEED
def evaluate(measured: Path, cells: Path | None, out: Path | None, seed: int) -> None:
    """Judge a model by cells of subjects that it never saw.

    MEASURED is a run's folder, its out-of-fold.csv, or the folder of a served model, which then predicts --cells. This
    writes report.html, one file with charts, intervals over subjects, the cells that are called wrong, tests of the
    explanations, and the answers to unusual images; and metrics.json with the same figures.
    """
    from training.evaluation.predictions import OUT_OF_FOLD

    is_run = (measured / OUT_OF_FOLD).is_file()
    is_model = not is_run and (measured / GRAPH_FILE).is_file()
    if measured.is_dir() and not is_run and not is_model:
        raise click.UsageError(f"{measured} is neither a run (it has no {OUT_OF_FOLD}) nor a model (no {GRAPH_FILE}).")
    if is_model and cells is None:
        raise click.UsageError("A served model has to predict something: name labelled cells with --cells.")
    console = Console(stderr=True)
    with one_line_errors(), take_new(out or (measured / "evaluation" if is_run else None), "evaluation") as out:
        from training.data.sources import find_cells
        from training.report.evaluation import write_report
        from training.runs.progress import RunProgress
        from training.shipping.model_folder import MODEL

        progress = RunProgress(console)
        labelled = find_cells(cells)[1] if cells else None
        if is_model and cells:
            model_folder = measured
            predictions = _predict(model_folder, cells, progress)
            if predictions.warning:
                console.print(f"Warning: {predictions.warning}", markup=False, soft_wrap=True)
        else:
            table = measured / OUT_OF_FOLD if is_run else measured
            model_folder = table.parent / MODEL
            predictions = _read(table, model_folder, labelled)
        unusual, unusual_of = _show_unusual_images(model_folder, labelled, seed, progress)
        explanations = _test_explanations(model_folder, predictions, labelled if is_model else None, seed, progress)
        with console.status("Measuring and drawing"):
            metrics = write_report(out, predictions, labelled, unusual, unusual_of, seed, explanations)
    figures = {
        "ROC AUC": metrics["ranking"]["roc_auc"],
        "weighted F1": metrics["at_half"]["weighted_f1"],
        "review share": metrics["triage"]["review_share"],
    }
    for name, estimate in figures.items():
        click.echo(f"{name:<13} {estimate.value:.3f}  ({estimate.low:.3f} to {estimate.high:.3f})")
    click.echo(f"{out / 'report.html'} and metrics.json are written.")


def _predict(model_folder: Path, cells: Path, progress: RunProgress) -> Predictions:
    from training.evaluation.predictions import predict_cells

    with progress.step("Predicting") as advance:
        return predict_cells(model_folder, cells, lambda done, total: advance(done / total))


def _read(table: Path, model_folder: Path, labelled: Sequence[LabelledCell] | None) -> Predictions:
    from training.evaluation.predictions import read_predictions, with_groups_of

    return with_groups_of(read_predictions(table, model_folder), labelled or ())


def _test_explanations(
    model_folder: Path,
    predictions: Predictions,
    labelled: Sequence[LabelledCell] | None,
    seed: int,
    progress: RunProgress,
) -> dict[str, Any] | None:
    """Figures of the tests of explanations: of a served model on the cells, or those that its run measured by folds.

    None if there is no model, or if it explains nothing.
    """
    from lambda_fn.model import Model
    from training.evaluation.faithfulness import measure_cells, spread_over_groups, summarise
    from training.evaluation.predictions import read_input
    from training.evaluation.served_explainer import served_explainer
    from training.runs.explained import CELLS
    from training.shipping.model_folder import measured_explanations

    if not (model_folder / GRAPH_FILE).is_file():
        return None
    if labelled is None:
        figures = measured_explanations(model_folder)
        return figures and {**figures, "origin": "Each by the model of a fold that never saw its subject."}
    model = Model(model_folder)
    explainer = served_explainer(model)
    if explainer is None:
        return None
    chosen = spread_over_groups(predictions.groups, CELLS, seed)
    pixels = read_input([predictions.names[cell] for cell in chosen], labelled, model.manifest.preprocessing)
    with progress.step("Testing explanations") as advance:
        done = iter(range(1, len(chosen) + 1))
        figures = summarise(
            measure_cells(
                explainer, pixels, predictions.groups[chosen], seed, lambda: advance(next(done) / len(chosen))
            ),
            seed,
        )
    return {**figures, "origin": predictions.origin}


def _show_unusual_images(
    model_folder: Path, labelled: Sequence[LabelledCell] | None, seed: int, progress: RunProgress
) -> tuple[list[Shown], str]:
    """A model's answers to unusual images, and the origin of these in words; no answers if there is no model."""
    from lambda_fn.model import Model
    from training.evaluation.unusual_images import KINDS, sample_of, show_unusual_images

    if not (model_folder / GRAPH_FILE).is_file():
        return [], ""
    model = Model(model_folder)
    images, origin = sample_of(labelled, UNUSUAL_IMAGES, seed, model.manifest.preprocessing.background)
    answers = []
    with progress.step("Unusual images") as advance:
        for answer in show_unusual_images(model, images, seed):
            answers.append(answer)
            advance(len(answers) / KINDS)
    return answers, origin
