"""The report on a data set: one HTML file."""

import json
from pathlib import Path

import numpy as np

from lambda_fn.manifest import GRAPH_FILE, MANIFEST_FILE
from training.data.class_differences import compare_classes
from training.data.exploration import Exploration
from training.data.reading import SHOWN_PX
from training.report import architecture, exploration_charts
from training.report.charts import style
from training.report.page import picture, write_page

# Sizes of images that are named, the most frequent ones; and the longer side of a sample's picture in pixels.
MOST_SIZES = 5
PICTURE_PX = 200


def write_report(path: Path, title: str, exploration: Exploration, model_folder: Path | None) -> None:
    """Write the report.

    Args:
        path: new file.
        title: name of the data set.
        exploration: measures of its cells.
        model_folder: of the model whose network is drawn; None draws none.
    """
    differences = compare_classes(exploration)
    counts = np.sort(np.unique(exploration.subjects, return_counts=True)[1])
    with style():
        charts = {
            "subjects": exploration_charts.subjects(exploration),
            "distributions": exploration_charts.distributions(exploration),
            "superiorities": exploration_charts.superiorities(differences),
        }
        network = _network(model_folder) if model_folder else None
    write_page(
        path,
        "exploration.html",
        title=title,
        cells={"ALL": int(exploration.is_all.sum()), "normal": int((~exploration.is_all).sum())},
        subject_counts={
            "ALL": len(np.unique(exploration.subjects[exploration.is_all])),
            "normal": len(np.unique(exploration.subjects[~exploration.is_all])),
        },
        largest=float(counts[-3:].sum() / counts.sum()),
        left_out=exploration.left_out,
        shown_px=SHOWN_PX,
        samples={
            label: [picture(pixels, PICTURE_PX, f"{label} cell") for pixels in shown]
            for label, shown in exploration.samples.items()
        },
        means={
            label: picture(mean.astype(np.uint8), alt=f"mean {label} cell") for label, mean in exploration.means.items()
        },
        change=picture(exploration_charts.difference(exploration.means), alt="mean ALL cell less mean normal cell"),
        deepest=exploration_charts.DEEPEST,
        charts=charts,
        differences=differences,
        sizes=sorted(exploration.sizes.items(), key=lambda item: -item[1])[:MOST_SIZES],
        network=network,
    )


def _network(model_folder: Path) -> dict[str, object]:
    """The drawing of a model's network, the model's version, and the number of its weights in words."""
    manifest = json.loads((model_folder / MANIFEST_FILE).read_text("utf-8"))
    parameters = manifest.get("training", {}).get("parameters")
    return {
        "drawing": architecture.draw(model_folder / GRAPH_FILE),
        "model": manifest.get("version"),
        "parameters": f"{parameters:,} weights" if parameters else "weights not counted",
    }
