"""The model card: one page on a model's purpose, training data, figures and limits."""

from typing import Any

from training.data.c_nmc import C_NMC
from training.shipping.card_explanations import explanations_section

C_NMC_SOURCE = (
    "Gupta, A., & Gupta, R. (2019). ALL Challenge dataset of ISBI 2019 (C-NMC 2019).\n"
    "The Cancer Imaging Archive. https://doi.org/10.7937/tcia.2019.dc64i46r. Licence: CC BY 3.0."
)
OTHER_SOURCE = "Source: a folder of the person who trained this model."

_CARD = """\
# Model card: {version}

Research use only. This is not a medical device, and no diagnosis may rest on it.

## What it is for
It reads the image of one white blood cell, {seen}, and gives the probability that the cell is a leukaemic
blast of acute lymphoblastic leukaemia (ALL) rather than a normal lymphoid precursor. It orders cells for people who
look at them; it says nothing about a patient.

Architecture {architecture} with {parameters:,} weights, seed {seed}. It sees a square of {crop} px around the cell,
as {size} x {size} px RGB.{scale}

## What it learned from
{data_set}:
{all_cells:,} ALL cells of {all_subjects} subjects, {normal_cells:,} normal cells of {normal_subjects} subjects.
{reviewed}{left_out}
{source}
{pretrained}
## How good it is
Measured {split}: each of the {n:,} cells of {subjects} subjects is predicted
by a model of the same recipe that saw no cell of its subject. Intervals: 95 %, bootstrap over subjects.{by_subject}

| figure | value | 95 % interval |{by_subject_title}
|---|---|---|{by_subject_rule}
{figures}

Subjects differ. Share of a subject's cells that a probability of 0.5 calls right:

| class | subjects | worst subject | median | best subject |
|---|---|---|---|---|
{per_subject}

{subject_shares}
## How it decides
| threshold | probability of ALL | chosen so that | reached |
|---|---|---|---|
{thresholds}

Cells between the last two are for a person.{unlike}

## What it promises
The two rates of wrong decisions are promised for **subjects that the model never saw**, drawn like the known ones: on
the mean over subjects, who weigh the same, with a confidence of {confidence:.0%}. They rest on {all_groups} groups
of ALL subjects and {normal_groups} of healthy ones; subjects that share images are one group.{not_offered}

{unseen}

More healthy subjects would let more cells be decided. Simulated share for review, subjects weighing the same:
{healthy}.

The thresholds were chosen on predictions by {folds} models, not by this one.
{explanations}
## Where it fails
- Few subjects: the intervals are wide, and one subject's cells can all be wrong together.
- Real cells of another microscope, stain or segmentation than the training data's were never tested.
- Lossy compression blurs the texture that it reads: send BMP, PNG or TIFF.
- It knows two classes. Anything else (other cells, debris) gets a probability all the same.
- Some labels of the data set are doubted by experts; what it gets wrong includes them.
"""

_FIGURES = {
    "ROC AUC": ("ranking", "roc_auc"),
    "Accuracy at 0.5": ("at_half", "accuracy"),
    "Weighted F1 at 0.5": ("at_half", "weighted_f1"),
    "Sensitivity at 0.5": ("at_half", "sensitivity"),
    "Specificity at 0.5": ("at_half", "specificity"),
    "Accuracy at the operating point": ("at_operating_point", "accuracy"),
    "Weighted F1 at the operating point": ("at_operating_point", "weighted_f1"),
    "Sensitivity at the operating point": ("at_operating_point", "sensitivity"),
    "Specificity at the operating point": ("at_operating_point", "specificity"),
    "Expected calibration error": ("calibration", "expected_error"),
    "Share of cells between the thresholds, for review": ("triage", "review_share"),
    "ALL cells decided normal without review": ("triage", "all_decided_normal"),
    "Normal cells decided ALL without review": ("triage", "normal_decided_all"),
}

_BY_SUBJECT = {
    "by_subject": """

Some subjects share photographs of cells: they are kept in one fold, and the thresholds come from these folds. *By
subject alone* they may part, as in most publications, but nothing is learned from a photograph that is held out.
Calibration and thresholds are those of the first.""",
    "by_subject_title": " by subject alone |",
    "by_subject_rule": "---|",
}

_UNLIKE = """ So are cells whose distance from the
nearest known cell, or from the colours of all, is above {:.3f}: about one in a hundred cells of the same source."""

_SUBJECT_SHARES = """\
## A subject's cells together
It gives no verdict on a patient: each subject here had cells of one label, but a real smear is mixed. To compare a
slide with, this is where known subjects of at least {least_cells} cells lie, by models that never saw them: the lowest,
the median and the highest subject.

| class | subjects | share of cells that are likelier ALL | mean probability of ALL |
|---|---|---|---|
{rows}

{ranking}Subjects with fewer cells, about whom nothing is stated: {left_out}.
"""

_RANKING = """\
Area under the ROC curve over these subjects: {} by the share, {}
by the mean. Intervals: 95 %, bootstrap over {} groups of subjects that share no photograph.
"""

# Threshold, the rate that it is chosen for, and that rate in words.
_THRESHOLDS = (
    ("operating_point", "sensitivity", "at least {:.0%} of ALL cells lie at or above it"),
    ("normal_below", "all_decided_normal", "at most {:.0%} of ALL cells are decided normal"),
    ("all_from", "normal_decided_all", "at most {:.0%} of normal cells are decided ALL"),
)


_NOT_OFFERED = {
    "all_decided_normal": " So few ALL subjects carry no such rate: **no cell is decided normal**.",
    "normal_decided_all": " So few healthy subjects carry no such rate: **no cell is decided ALL**.",
}

_UNSEEN = """\
Each group was left out in turn while the thresholds were chosen, and then decided:

| decided without review | promised | subjects left out, who weigh the same | all cells of subjects left out |
|---|---|---|---|
{rows}

The promise is about the first column of results. In the second, subjects with many cells weigh more."""

_NO_UNSEEN = "The subjects are too few to leave one out and choose thresholds on the others."

_UNSEEN_ROWS = (
    ("ALL cells decided normal", "all_decided_normal"),
    ("Normal cells decided ALL", "normal_decided_all"),
    ("Cells for review", "review_share"),
)


_SEEN: dict[str, str] = {"black": "cut out onto black", "smear": "photographed on an ordinary smear"}


def model_card(manifest: dict[str, Any]) -> str:
    """Write the card of the model that a manifest describes, as Markdown."""
    training, metrics, decision = manifest["training"], manifest["metrics"], manifest["decision"]
    by_subject = metrics.get("by_subject_alone")
    return _CARD.format(
        version=manifest["version"],
        **{name: manifest["preprocessing"][name] for name in ("crop", "size")},
        seen=_SEEN[manifest["preprocessing"].get("background", "black")],
        scale=_scale(manifest["preprocessing"]),
        **{name: training[name] for name in ("architecture", "parameters", "seed", "data_set", "folds")},
        all_cells=training["cells"]["ALL"],
        all_subjects=training["subjects"]["ALL"],
        normal_cells=training["cells"]["normal"],
        normal_subjects=training["subjects"]["normal"],
        source=C_NMC_SOURCE if C_NMC in training["data_set"] else OTHER_SOURCE,
        **{name: metrics[name] for name in ("split", "n", "subjects")},
        **(_BY_SUBJECT if by_subject else dict.fromkeys(_BY_SUBJECT, "")),
        figures="\n".join(
            _figure(name, metrics[part][figure]) + (_cell(by_subject[part][figure]) if by_subject else "")
            for name, (part, figure) in _FIGURES.items()
        ),
        pretrained=f"\nIts pretrained layers: {training['pretrained_on']}.\n" if training.get("pretrained_on") else "",
        per_subject="\n".join(_spread(label, shares) for label, shares in metrics["per_subject"].items()),
        reviewed=_reviewed(**training["reviewed"]) if "reviewed" in training else "",
        left_out=_left_out(training.get("left_out", [])),
        **_promise(decision),
        subject_shares=_subject_shares(metrics["subject_shares"]) if "subject_shares" in metrics else "",
        unlike=_UNLIKE.format(decision["unlike_above"]) if "unlike_above" in decision else "",
        thresholds="\n".join(_threshold(manifest["decision"], *row) for row in _THRESHOLDS),
        explanations=explanations_section(metrics["explanation"]) if metrics.get("explanation") else "",
    )


def _scale(preprocessing: dict[str, Any]) -> str:
    """The scale of the training images, as one sentence; empty if nothing is known of it."""
    um_per_px, cell_px = preprocessing.get("um_per_px"), preprocessing.get("cell_px")
    width = f"the normal cells it learned from are {cell_px:.0f} px wide (median)" if cell_px else ""
    if um_per_px:
        return f"\nA pixel is {um_per_px:g} µm{f', and {width}' if width else ''}."
    return f"\nThe scale of its images is unknown; {width}." if width else ""


def _reviewed(fitting: int, audits: int) -> str:
    return (
        f"Among these are {fitting:,} cells that people reviewed, and {audits:,} audited ones. No figure below rests\n"
        "on them. The audits could make thresholds stricter.\n"
    )


def _left_out(subjects: list[str]) -> str:
    if not subjects:
        return ""
    return (
        f"It learned not from subjects {', '.join(subjects)}, whose cells made the figures of other subjects worse.\n"
        "They chose thresholds, and are in all figures below.\n"
    )


def _promise(decision: dict[str, Any]) -> dict[str, Any]:
    promise = decision["promise"]
    unseen = promise["on_subjects_left_out"]
    rows = (
        f"| {title} | {_rate(decision, name)} | {_share(unseen['subjects_even'][name])} "
        f"| {_share(unseen['cells_even'][name])} |"
        for title, name in (_UNSEEN_ROWS if unseen else ())
    )
    return {
        "confidence": promise["confidence"],
        "all_groups": promise["groups_of_subjects"]["ALL"],
        "normal_groups": promise["groups_of_subjects"]["normal"],
        "not_offered": "".join(_NOT_OFFERED[name] for name in promise["not_offered"]),
        "unseen": _UNSEEN.format(rows="\n".join(rows)) if unseen else _NO_UNSEEN,
        "healthy": ", ".join(
            f"{share:.0%} with {count} healthy groups" for count, share in promise["review_share_by_healthy_groups"]
        ),
    }


def _rate(decision: dict[str, Any], name: str) -> str:
    if name not in decision["chosen_for"]:
        return ""
    return "not offered" if name in decision["promise"]["not_offered"] else f"{decision['chosen_for'][name]:.0%}"


def _share(estimate: dict[str, float]) -> str:
    return f"{estimate['value']:.1%} ({estimate['low']:.1%} to {estimate['high']:.1%})"


def _figure(name: str, estimate: dict[str, float]) -> str:
    return f"| {name} | {estimate['value']:.3f} | {estimate['low']:.3f} to {estimate['high']:.3f} |"


def _cell(estimate: dict[str, float]) -> str:
    return f" {estimate['value']:.3f} |"


def _spread(label: str, shares: dict[str, float]) -> str:
    columns = (f"{shares[name]:.2f}" for name in ("lowest", "median", "highest"))
    return f"| {label} | {shares['subjects']} | {' | '.join(columns)} |"


def _subject_shares(shares: dict[str, Any]) -> str:
    figures = [_with_interval(estimate) for estimate in shares["roc_auc"].values()]
    return _SUBJECT_SHARES.format(
        least_cells=shares["least_cells"],
        left_out=shares["left_out"],
        rows="\n".join(_known_subjects(label, spread) for label, spread in shares["spread"].items()),
        ranking=_RANKING.format(*figures, shares["groups"]) if figures else "",
    )


def _known_subjects(label: str, spread: dict[str, Any]) -> str:
    cells = (
        " / ".join(f"{spread[figure][name]:.2f}" for name in ("lowest", "median", "highest"))
        for figure in ("share_all", "mean_probability_all")
    )
    return f"| {label} | {spread['subjects']} | {' | '.join(cells)} |"


def _with_interval(estimate: dict[str, float]) -> str:
    return f"{estimate['value']:.3f} ({estimate['low']:.3f} to {estimate['high']:.3f})"


def _threshold(decision: dict[str, Any], name: str, rate: str, promise: str) -> str:
    title, promise = name.replace("_", " "), promise.format(decision["chosen_for"][rate])
    return f"| {title} | {decision[name]:.4f} | {promise} | {decision['achieved'][rate]:.1%} |"
