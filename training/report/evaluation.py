"""The report on predictions: ``report.html`` for people, ``metrics.json`` for programs."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from lambda_fn.decisions import Thresholds
from training.data.labelled_cell import LabelledCell
from training.data.reading import ReadCell, UnusableImageError, read_all
from training.errors import DatasetError
from training.evaluation.metrics import Metrics, calibration_error, evaluate
from training.evaluation.predictions import Predictions
from training.evaluation.scaling import choose_scaling
from training.evaluation.thresholds import ErrorRates, choose_thresholds
from training.evaluation.trade_off import on_unseen_subjects
from training.evaluation.unusual_images import Shown
from training.report import evaluation_charts
from training.report.charts import ALL_COLOUR, INK, NORMAL_COLOUR, REVIEW_COLOUR, style
from training.report.page import picture, write_page

MOST_IN_GALLERY = 24
# A bootstrap of fewer clusters is known to be too narrow (Cameron, Gelbach & Miller 2008, Rev. Econ. Stat. 90).
FEW_GROUPS = 12
# Less than this of the expected calibration error is not worth another step between a network and its probability.
WORTH_SCALING = 0.01

_FIGURES = (
    ("area under the ROC curve", "ranking", "roc_auc", INK),
    ("area under precision-recall", "ranking", "average_precision", INK),
    ("weighted F1 at 0.5", "at_half", "weighted_f1", NORMAL_COLOUR),
    ("accuracy at 0.5", "at_half", "accuracy", NORMAL_COLOUR),
    ("balanced accuracy at 0.5", "at_half", "balanced_accuracy", NORMAL_COLOUR),
    ("sensitivity at 0.5", "at_half", "sensitivity", NORMAL_COLOUR),
    ("specificity at 0.5", "at_half", "specificity", NORMAL_COLOUR),
    ("weighted F1, operating point", "at_operating_point", "weighted_f1", ALL_COLOUR),
    ("accuracy, operating point", "at_operating_point", "accuracy", ALL_COLOUR),
    ("balanced accuracy, op. point", "at_operating_point", "balanced_accuracy", ALL_COLOUR),
    ("sensitivity, operating point", "at_operating_point", "sensitivity", ALL_COLOUR),
    ("specificity, operating point", "at_operating_point", "specificity", ALL_COLOUR),
    ("cells for review", "triage", "review_share", REVIEW_COLOUR),
)


def write_report(
    out: Path,
    predictions: Predictions,
    cells: Sequence[LabelledCell] | None,
    unusual: Sequence[Shown],
    unusual_of: str,
    seed: int,
) -> Metrics:
    """Measure predictions and write the report.

    Args:
        out: folder for ``report.html`` and ``metrics.json``.
        predictions: what is judged.
        cells: of the predictions, to show those that are called wrong; None shows none.
        unusual: how the served model answered unusual images; empty where there is none.
        unusual_of: what those images were made from.
        seed: of the bootstrap.

    Raises:
        CalibrationError: the predictions allow no thresholds.
        DatasetError: the cells are not those of the predictions.
    """
    probabilities, is_all, groups = predictions.probabilities, predictions.is_all, predictions.groups
    gallery = None if cells is None else _gallery(predictions, cells)
    thresholds = predictions.thresholds or choose_thresholds(probabilities, is_all)
    rates = ErrorRates()
    metrics = evaluate(probabilities, is_all, groups, thresholds, seed)
    unseen = on_unseen_subjects(probabilities, is_all, groups, rates, seed)
    scaling = choose_scaling(probabilities, is_all)
    scaled = scaling(probabilities)
    scaled_error = calibration_error(scaled, is_all)
    gained = metrics["calibration"]["expected_error"].value - scaled_error
    confusion = {
        "at_half": _confusion(probabilities >= 0.5, is_all),
        "at_operating_point": _confusion(probabilities >= thresholds.operating_point, is_all),
    }
    subjects = _per_subject(predictions, thresholds)
    with style():
        charts = {
            "intervals": evaluation_charts.intervals(
                [(name, metrics[part][figure], colour) for name, part, figure, colour in _FIGURES]
            ),
            "curves": evaluation_charts.curves(probabilities, is_all, groups, thresholds),
            "reliability": evaluation_charts.reliability(
                probabilities, scaled if gained > WORTH_SCALING else None, is_all
            ),
            "triage": evaluation_charts.triage(probabilities, is_all, thresholds),
            "trade_off": evaluation_charts.trade_off(
                probabilities, is_all, rates, metrics["triage"]["review_share"].value
            ),
            "subjects": evaluation_charts.subjects(subjects),
        }
    counts = {"ALL": int(is_all.sum()), "normal": int((~is_all).sum())}
    subject_count = len(np.unique(predictions.subjects))
    write_page(
        out / "report.html",
        "evaluation.html",
        title=f"Evaluation of {predictions.model}",
        model=predictions.model,
        data_set=predictions.data_set,
        origin=predictions.origin,
        cells=counts,
        subject_count=subject_count,
        group_count=len(np.unique(groups)),
        few_groups=FEW_GROUPS,
        metrics=metrics,
        thresholds=thresholds,
        thresholds_origin="The thresholds are the model's own."
        if predictions.thresholds
        else "The thresholds were chosen on these very predictions.",
        rates=rates,
        unseen=unseen,
        scaling=scaling,
        scaled_error=scaled_error,
        scaling_verdict="worth applying." if gained > WORTH_SCALING else "no need for it.",
        confusion=confusion,
        charts=charts,
        subjects=subjects,
        gallery=gallery,
        unusual=unusual,
        unusual_of=unusual_of,
    )
    document = {
        "schema": "cellflag/metrics/1",
        "model": predictions.model,
        "data_set": predictions.data_set,
        "origin": predictions.origin,
        "cells": counts,
        "subjects": subject_count,
        "thresholds": {name: value for name, value in asdict(thresholds).items() if np.isfinite(value)},
        "stated": asdict(rates),
        "figures": _plain(metrics),
        "reached_on_unseen_subjects": asdict(unseen) if unseen else None,
        "scaling": {**asdict(scaling), "expected_error": scaled_error},
        "confusion": confusion,
        "per_subject": [
            {"subject": subject, "label": label, "cells": count, "right_at_half": right, "review": review}
            for subject, label, count, right, review in subjects
        ],
        "unusual_images": [
            {"kind": each.kind, "count": each.count, "reviewed": each.reviewed, "reasons": dict(each.reasons)}
            for each in unusual
        ],
    }
    (out / "metrics.json").write_text(json.dumps(document, indent=1) + "\n", "utf-8")
    return metrics


def _plain(metrics: Metrics) -> dict[str, Any]:
    return {part: {name: asdict(value) for name, value in figures.items()} for part, figures in metrics.items()}


def _confusion(called: NDArray[np.bool_], is_all: NDArray[np.bool_]) -> list[list[int]]:
    """Rows ALL and normal, columns called ALL and called normal."""
    return [[int((called & row).sum()), int((~called & row).sum())] for row in (is_all, ~is_all)]


def _per_subject(predictions: Predictions, thresholds: Thresholds) -> list[tuple[str, str, int, float, float]]:
    """Subject, class, cells, share called right at 0.5, share for review; a subject in both classes stands twice."""
    probabilities = predictions.probabilities
    right = (probabilities >= 0.5) == predictions.is_all
    review = (probabilities >= thresholds.normal_below) & (probabilities < thresholds.all_from)
    rows = []
    for label, of_class in (("ALL", predictions.is_all), ("normal", ~predictions.is_all)):
        for subject in np.unique(predictions.subjects[of_class]):
            chosen = of_class & (predictions.subjects == subject)
            rows.append(
                (str(subject), label, int(chosen.sum()), float(right[chosen].mean()), float(review[chosen].mean()))
            )
    return rows


Gallery = list[tuple[str, str, int, list[tuple[Markup, float, str]]]]


def _gallery(predictions: Predictions, cells: Sequence[LabelledCell]) -> Gallery:
    """The cells that are called wrong at 0.5, the surest first, for both kinds of error."""
    by_name = {cell.name: cell for cell in cells}
    if not any(name in by_name for name in predictions.names):
        raise DatasetError(
            f"None of the predicted cells is among those named, for instance {predictions.names[0]}; "
            "name the folder or index that the run was trained on."
        )
    probabilities, is_all = predictions.probabilities, predictions.is_all
    gallery = []
    for title, css, wrong, order in (
        ("ALL cells called normal", "all", is_all & (probabilities < 0.5), probabilities),
        ("Normal cells called ALL", "normal", ~is_all & (probabilities >= 0.5), -probabilities),
    ):
        ranked = [int(i) for i in np.argsort(order, kind="stable") if wrong[i] and predictions.names[i] in by_name]
        chosen = ranked[:MOST_IN_GALLERY]
        outcomes = read_all([by_name[predictions.names[i]] for i in chosen], ReadCell.square)
        shown = [
            (picture(outcome, 200, "a cell"), float(probabilities[i]), str(predictions.subjects[i]))
            for i, (_, outcome) in zip(chosen, outcomes, strict=True)
            if not isinstance(outcome, UnusableImageError)
        ]
        gallery.append((title, css, int(wrong.sum()), shown))
    return gallery
