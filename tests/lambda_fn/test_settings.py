import pytest

from lambda_fn.decisions import Policy, Thresholds
from lambda_fn.errors import SettingsError
from lambda_fn.manifest import Manifest
from lambda_fn.preprocessing import LIMITS, Preprocessing
from lambda_fn.settings import policy

THRESHOLDS = Thresholds(operating_point=0.3, normal_below=0.3, all_from=0.8, unlike_above=1.5)
MANIFEST = Manifest(
    version="v",
    sha256="0",
    input_name="image",
    output_names=("probability_all",),
    preprocessing=Preprocessing(64, 64),
    limits=LIMITS,
    thresholds=THRESHOLDS,
    thresholds_by_rate={
        "all_decided_normal": ((0.01, 0.1), (0.04, 0.3), (0.1, 0.6), (0.2, 0.7)),
        "normal_decided_all": ((0.05, 0.9), (0.1, 0.8), (0.2, 0.65)),
    },
    threads=1,
)


@pytest.mark.parametrize(
    ("environment", "operating_point", "normal_below", "all_from"),
    [
        ({}, 0.3, 0.3, 0.8),
        ({"ALL_DECIDED_NORMAL": ""}, 0.3, 0.3, 0.8),
        ({"ALL_DECIDED_NORMAL": "0.01"}, 0.3, 0.1, 0.8),
        ({"ALL_DECIDED_NORMAL": "0.0399"}, 0.3, 0.1, 0.8),
        ({"NORMAL_DECIDED_ALL": "0.05"}, 0.3, 0.3, 0.9),
        ({"ALL_DECIDED_NORMAL": "0.01", "NORMAL_DECIDED_ALL": "0.07"}, 0.3, 0.1, 0.9),
        ({"ALL_DECIDED_NORMAL": "0.1"}, 0.6, 0.6, 0.8),
        ({"ALL_DECIDED_NORMAL": "0.5", "NORMAL_DECIDED_ALL": "0.3"}, 0.65, 0.65, 0.65),
    ],
    ids=[
        "nothing",
        "an empty variable",
        "fewer missed",
        "a rate between two",
        "fewer false alarms",
        "both",
        "more",
        "no review left",
    ],
)
def test_thresholds_follow_the_error_rates_that_a_deployment_tolerates(
    environment: dict[str, str], operating_point: float, normal_below: float, all_from: float
) -> None:
    chosen = policy(environment, MANIFEST)
    assert chosen == Policy(
        Thresholds(operating_point, normal_below, all_from, 1.5), thresholds_name=chosen.thresholds_name
    )


@pytest.mark.parametrize(("value", "expected"), [("0.05", 0.05), ("", None)])
def test_a_deployment_may_state_its_scale(value: str, expected: float | None) -> None:
    assert policy({"UM_PER_PX": value}, MANIFEST).um_per_px == expected
    assert policy({}, MANIFEST).um_per_px is None


@pytest.mark.parametrize(("value", "expected"), [("true", True), ("false", False)])
def test_a_deployment_may_review_everything(value: str, expected: bool) -> None:
    assert policy({"REVIEW_EVERYTHING": value}, MANIFEST).review_everything is expected


@pytest.mark.parametrize(
    ("environment", "flagged", "others"),
    [
        ({}, True, False),
        ({"EXPLAIN": "flagged"}, True, False),
        ({"EXPLAIN": "all"}, True, True),
        ({"EXPLAIN": "none"}, False, False),
    ],
)
def test_a_deployment_chooses_which_images_are_explained(
    environment: dict[str, str], flagged: bool, others: bool
) -> None:
    chosen = policy(environment, MANIFEST)
    assert (chosen.explains(review_required=True), chosen.explains(review_required=False)) == (flagged, others)


@pytest.mark.parametrize(
    ("environment", "share", "salt"),
    [
        ({}, 0, ""),
        ({"AUDIT_SHARE": "0"}, 0, ""),
        ({"AUDIT_SHARE": "0.05", "AUDIT_SALT": "salt"}, 0.05, "salt"),
        ({"AUDIT_SHARE": "1", "AUDIT_SALT": "salt"}, 1, "salt"),
    ],
)
def test_a_deployment_chooses_the_share_of_its_decided_cells_to_audit(
    environment: dict[str, str], share: float, salt: str
) -> None:
    chosen = policy(environment, MANIFEST)
    assert (chosen.audit_share, chosen.audit_salt) == (share, salt)


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"REVIEW_EVERYTHING": "yes"}, "REVIEW_EVERYTHING is 'yes'; it must be true or false"),
        ({"EXPLAIN": "some"}, "EXPLAIN is 'some'; it must be one of flagged, all, none"),
        ({"ALL_DECIDED_NORMAL": "few"}, "ALL_DECIDED_NORMAL is 'few'; it must be a number between 0 and 1"),
        ({"ALL_DECIDED_NORMAL": "0.001"}, "ALL_DECIDED_NORMAL is 0.001; with this model it must be from 0.01"),
        ({"NORMAL_DECIDED_ALL": "1"}, "NORMAL_DECIDED_ALL is 1; with this model it must be from 0.05 up to below 1"),
        ({"NORMAL_DECIDED_ALL": "nan"}, "NORMAL_DECIDED_ALL is nan"),
        ({"UM_PER_PX": "nan"}, "UM_PER_PX is 'nan'; it must be a number from 0.001 to 10"),
        ({"AUDIT_SHARE": "nan", "AUDIT_SALT": "salt"}, "AUDIT_SHARE is 'nan'; it must be a number from 0 to 1"),
        ({"AUDIT_SHARE": "1.1", "AUDIT_SALT": "salt"}, "AUDIT_SHARE is '1.1'; it must be a number from 0 to 1"),
        ({"AUDIT_SHARE": "few", "AUDIT_SALT": "salt"}, "AUDIT_SHARE is 'few'; it must be a number from 0 to 1"),
        ({"AUDIT_SHARE": "0.02"}, "AUDIT_SHARE is 0.02; it needs AUDIT_SALT"),
        ({"AUDIT_SHARE": "0.02", "AUDIT_SALT": ""}, "AUDIT_SHARE is 0.02; it needs AUDIT_SALT"),
        ({"UM_PER_PX": "0"}, "UM_PER_PX is '0'; it must be a number from 0.001 to 10"),
    ],
)
def test_a_setting_that_cannot_be_used_is_refused_by_name(environment: dict[str, str], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        policy(environment, MANIFEST)
