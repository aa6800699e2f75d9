"""The report on predictions: ``report.html`` for people, ``metrics.json`` for programs."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup

from training.data.labelled_cell import LabelledCell
from training.evaluation.faithfulness_table import table
from training.evaluation.metrics import Metrics
from training.evaluation.predictions import Predictions
from training.evaluation.unusual_images import Shown
from training.report import decision_charts, figure_charts, probability_charts, subject_charts
from training.report.assessment import Assessment, assess
from training.report.charts import style
from training.report.gallery import show_wrong_calls
from training.report.page import write_page

# Bootstrap intervals over fewer groups are too narrow (Cameron, Gelbach & Miller 2008, Rev. Econ. Stat. 90).
FEW_GROUPS = 12


def write_report(
    out: Path,
    predictions: Predictions,
    cells: Sequence[LabelledCell] | None,
    unusual: Sequence[Shown],
    unusual_of: str,
    seed: int,
    explanations: dict[str, Any] | None = None,
) -> Metrics:
    """Measure predictions and write the report.

    Args:
        out: folder for ``report.html`` and ``metrics.json``.
        predictions: what is judged.
        cells: of the predictions, to show those that are called wrong; None shows none.
        unusual: how the served model answered unusual images; empty if there is no served model.
        unusual_of: what those images were made from.
        seed: of the bootstrap.
        explanations: figures of the tests of the model's explanations; None if they were not tested.

    Raises:
        CalibrationError: the predictions allow no thresholds.
        DatasetError: the cells are not those of the predictions.
    """
    gallery = None if cells is None else show_wrong_calls(predictions, cells)
    assessment = assess(predictions, seed)
    counts = {"ALL": int(predictions.is_all.sum()), "normal": int((~predictions.is_all).sum())}
    write_page(
        out / "report.html",
        "evaluation.html",
        title=f"Evaluation of {predictions.model}",
        model=predictions.model,
        data_set=predictions.data_set,
        origin=predictions.origin,
        cells=counts,
        subject_count=len(np.unique(predictions.subjects)),
        group_count=len(np.unique(predictions.groups)),
        few_groups=FEW_GROUPS,
        **vars(assessment),
        thresholds_origin="The thresholds are the model's own."
        if predictions.thresholds
        else "The thresholds were chosen on these very predictions.",
        scaling_verdict="worth applying." if assessment.worth_scaling else "no need for it.",
        charts=_charts(predictions, assessment),
        gallery=gallery,
        unusual=unusual,
        unusual_of=unusual_of,
        explanations=explanations,
        explanation_tests=table(explanations) if explanations else [],
    )
    document = {**_document(predictions, assessment, counts, unusual), "explanations": explanations}
    (out / "metrics.json").write_text(json.dumps(document, indent=1) + "\n", "utf-8")
    return assessment.metrics


def _charts(predictions: Predictions, assessment: Assessment) -> dict[str, Markup]:
    probabilities, is_all = predictions.probabilities, predictions.is_all
    thresholds, metrics = assessment.thresholds, assessment.metrics
    scaled = assessment.scaled if assessment.worth_scaling else None
    review_share = metrics["triage"]["review_share"].value
    with style():
        return {
            "intervals": figure_charts.intervals(metrics),
            "curves": probability_charts.curves(probabilities, is_all, predictions.groups, thresholds),
            "reliability": probability_charts.reliability(probabilities, scaled, is_all),
            "triage": decision_charts.triage(probabilities, is_all, thresholds),
            "trade_off": decision_charts.trade_off(assessment.table, assessment.rates, review_share),
            "subjects": subject_charts.subjects(assessment.subjects, assessment.subject_comparison),
        }


def _document(
    predictions: Predictions, assessment: Assessment, counts: dict[str, int], unusual: Sequence[Shown]
) -> dict[str, Any]:
    """The content of ``metrics.json``."""
    return {
        "schema": "cellflag/metrics/1",
        "model": predictions.model,
        "data_set": predictions.data_set,
        "origin": predictions.origin,
        "cells": counts,
        "subjects": len(np.unique(predictions.subjects)),
        "thresholds": {name: value for name, value in asdict(assessment.thresholds).items() if np.isfinite(value)},
        "stated": asdict(assessment.rates),
        "figures": {
            part: {name: asdict(value) for name, value in figures.items()}
            for part, figures in assessment.metrics.items()
        },
        "reached_on_unseen_subjects": asdict(assessment.unseen) if assessment.unseen else None,
        "scaling": {**asdict(assessment.scaling), "expected_error": assessment.scaled_error},
        "confusion": assessment.confusion,
        "per_subject": [row._asdict() for row in assessment.subjects],
        "subject_shares": asdict(assessment.subject_comparison),
        "unusual_images": [
            {"kind": each.kind, "count": each.count, "reviewed": each.reviewed, "reasons": dict(each.reasons)}
            for each in unusual
        ],
    }
