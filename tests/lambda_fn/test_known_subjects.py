"""The known subjects in a model's manifest."""

import json
from typing import Any

import pytest

from lambda_fn.errors import ModelError
from lambda_fn.known_subjects import read_known_subjects
from lambda_fn.manifest import MANIFEST_FILE, MODEL_FOLDER, Manifest


def quantiles(*values: float) -> dict[str, float]:
    return dict(zip(("lowest", "lower_quartile", "median", "upper_quartile", "highest"), values, strict=True))


def block() -> dict[str, Any]:
    of_all = {"subjects": 20, "share_all": quantiles(0.5, 0.9, 0.95, 1, 1)}
    of_normal = {"subjects": 13, "share_all": quantiles(0, 0.1, 0.2, 0.3, 0.7)}
    means = {"mean_probability_all": quantiles(0.1, 0.2, 0.3, 0.4, 0.5)}
    return {"spread": {"ALL": of_all | means, "normal": of_normal | means}}


def manifest_with(subject_shares: object) -> str:
    content = json.loads((MODEL_FOLDER / MANIFEST_FILE).read_text("utf-8"))
    content["metrics"]["subject_shares"] = subject_shares
    return json.dumps(content)


def test_a_manifest_states_where_known_subjects_lie() -> None:
    known = Manifest.from_json(manifest_with(block())).known_subjects
    assert known
    assert (known.all.subjects, known.all.share_all.lowest, known.all.share_all.median) == (20, 0.5, 0.95)
    assert (known.normal.subjects, known.normal.share_all.highest) == (13, 0.7)
    assert known.normal.mean_probability_all.upper_quartile == 0.4


@pytest.mark.parametrize(
    "metrics", [{}, {"subject_shares": {}}, {"subject_shares": {"spread": {"ALL": block()["spread"]["ALL"]}}}]
)
def test_an_older_manifest_or_one_of_a_single_class_states_none(metrics: dict[str, Any]) -> None:
    assert read_known_subjects(metrics) is None


@pytest.mark.parametrize(
    "damage",
    [
        lambda spread: spread["ALL"].pop("subjects"),
        lambda spread: spread["ALL"]["share_all"].pop("median"),
        lambda spread: spread["normal"]["share_all"].update(median="half"),
        lambda spread: spread["normal"].update(mean_probability_all=[1, 2]),
    ],
)
def test_a_damaged_block_is_refused_in_one_line(damage: Any) -> None:
    damaged = block()
    damage(damaged["spread"])
    with pytest.raises(ModelError, match=r"model\.json is not a manifest of a model"):
        Manifest.from_json(manifest_with(damaged))
