import json
from pathlib import Path
from typing import Any

import pytest

from lambda_fn.decisions import Thresholds
from lambda_fn.errors import SettingsError
from lambda_fn.own_thresholds import MadeFrom, OwnThresholds, policy_of, read_own_thresholds
from lambda_fn.settings import policy
from tests.lambda_fn.test_settings import MANIFEST

OWN = OwnThresholds(
    version="laboratory-2026-12-01-0a1b2c3d",
    model_version="v",
    model_sha256="0",
    operating_point=0.2,
    normal_below=0.2,
    all_from=0.9,
    chosen_for={"all_decided_normal": 0.04},
    review_share=0.3,
    made_from=MadeFrom(400, 380, 20, 19),
    made_at="2026-12-01T12:00:00.000Z",
)


@pytest.mark.parametrize("indent", [None, 1])
def test_thresholds_are_read_as_they_were_written(indent: int | None) -> None:
    assert read_own_thresholds(OWN.to_json(indent)) == OWN


def test_a_laboratorys_thresholds_decide_and_the_limit_of_distance_stays() -> None:
    ours = policy({"THRESHOLDS": OWN.to_json()}, MANIFEST)
    assert ours.thresholds == Thresholds(0.2, 0.2, 0.9, unlike_above=1.5)
    assert ours.thresholds_name == OWN.version
    assert policy({}, MANIFEST).thresholds_name == "manifest"


def test_thresholds_for_tolerated_rates_have_the_rates_in_their_name() -> None:
    assert policy({"ALL_DECIDED_NORMAL": "0.01"}, MANIFEST).thresholds_name == "manifest, all_decided_normal 0.01"


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"model_sha256": "1"}, "were chosen for the model v"),
        ({"schema": "other"}, "these are no thresholds"),
        ({"all_from": 0.1}, "these are no thresholds"),
        ({"normal_below": float("nan")}, "these are no thresholds"),
        ({"version": "manifest"}, "these are no thresholds"),
        ({"chosen_for": {"sensitivity": 0.9}}, "these are no thresholds"),
        ({"chosen_for": []}, "these are no thresholds"),
        ({"made_from": {}}, "these are no thresholds"),
        ({"more": 1}, "these are no thresholds"),
    ],
)
def test_thresholds_of_another_model_and_other_files_are_refused(changed: dict[str, Any], message: str) -> None:
    text = json.dumps(json.loads(OWN.to_json()) | changed)
    with pytest.raises(SettingsError, match=message):
        policy({"THRESHOLDS": text}, MANIFEST)


def test_a_command_decides_by_the_thresholds_of_a_file_or_by_the_models(tmp_path: Path) -> None:
    file = tmp_path / "thresholds.json"
    file.write_text(OWN.to_json(1), "utf-8")
    ours = policy_of(file, MANIFEST, "all")
    assert (ours.thresholds, ours.thresholds_name) == (Thresholds(0.2, 0.2, 0.9, unlike_above=1.5), OWN.version)
    assert (policy_of(None, MANIFEST).thresholds, policy_of(None, MANIFEST).explain) == (MANIFEST.thresholds, "flagged")


@pytest.mark.parametrize("content", [b"\xff\xfe", b"{}", OWN.to_json().replace('"0"', '"1"').encode()])
def test_a_file_that_a_command_cannot_decide_by_is_named(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "mine.json").write_bytes(content)
    with pytest.raises(SettingsError, match=r"mine\.json: "):
        policy_of(tmp_path / "mine.json", MANIFEST)


def test_a_laboratorys_thresholds_go_without_tolerated_rates() -> None:
    with pytest.raises(SettingsError, match="THRESHOLDS goes without ALL_DECIDED_NORMAL"):
        policy({"THRESHOLDS": OWN.to_json(), "ALL_DECIDED_NORMAL": "0.01"}, MANIFEST)
