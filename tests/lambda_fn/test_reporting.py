import io
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from botocore.exceptions import ReadTimeoutError

from lambda_fn import reporting
from lambda_fn.errors import OutOfTimeError, UnknownEventError
from lambda_fn.events import messages
from lambda_fn.reporting import ImageAnswer, report_batch, report_failure

from ..fake_s3 import client_error


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (client_error("GetObject", "InvalidObjectState", 403), ["GetObject", "archive", "restore"]),
        (client_error("GetObject", "AccessDenied", 403), ["may not read", "key they are encrypted with"]),
        (client_error("GetObject", "KMS.DisabledException", 400), ["KMS key", "disabled"]),
        (client_error("PutObject", "KeyTooLongError", 400), ["1,024 bytes"]),
        (client_error("PutObject", "SlowDown", 503), ["PutObject answered SlowDown"]),
        (OutOfTimeError("no time was left in this batch"), ["OutOfTimeError: no time was left"]),
        (UnknownEventError("neither"), ["UnknownEventError: neither"]),
    ],
)
def test_the_log_of_a_failure_names_a_remedy(error: Exception, words: list[str], log: io.StringIO) -> None:
    report_failure(["message-1"], error)
    line = json.loads(log.getvalue())
    assert line["message_ids"] == ["message-1"]
    assert all(word in line["reason"] for word in words)


def test_a_refused_kms_key_has_another_remedy_than_a_refused_image(log: io.StringIO) -> None:
    error = client_error("GetObject", "AccessDenied", 403)
    error.response["Error"]["Message"] = "User: arn:aws:sts::1:role/f is not authorized to perform: kms:Decrypt"
    assert "allow its role kms:Decrypt" in report_failure(["message-1"], error)


def test_an_unexpected_error_is_logged_by_type_and_place_and_by_its_text_only_at_debug_level(
    log: io.StringIO,
) -> None:
    try:
        messages(cast(Any, "jane-doe"))
    except AttributeError as error:
        assert re.fullmatch(r"AttributeError at events.py:\d+", report_failure(["m"], error, "jane-doe.bmp"))
    timeout = ReadTimeoutError(endpoint_url="https://images.s3.amazonaws.com/jane-doe.bmp")
    assert report_failure(["m"], timeout, "jane-doe.bmp") == "ReadTimeoutError"
    assert "jane" not in log.getvalue()
    reporting.logger.setLevel("DEBUG")
    try:
        report_failure(["m"], timeout, "jane-doe.bmp")
    finally:
        reporting.logger.setLevel("INFO")
    assert json.loads(log.getvalue().splitlines()[-1])["key"] == "jane-doe.bmp"


def test_a_batch_is_reported_in_one_line_and_in_metrics(log: io.StringIO, capsys: pytest.CaptureFixture[str]) -> None:
    uploaded = (datetime.now(UTC) - timedelta(seconds=5)).strftime("%Y-%m-%dT%H:%M:%SZ")

    def answer(status: str, decision: str) -> ImageAnswer:
        document: Any = {"status": status, "decision": decision}
        return ImageAnswer(document, "written", uploaded)

    answers = [
        answer("scored", "ALL"),
        answer("scored", "normal"),
        answer("scored", "review"),
        answer("rejected", "review"),
    ]
    report_batch(5, 1, answers, "model-1", queued=True)
    assert json.loads(log.getvalue())["decisions"] == {"ALL": 1, "normal": 1, "review": 2}
    values: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert values["model"] == "model-1"
    assert values["service"] == reporting.SERVICE
    (described,) = values["_aws"]["CloudWatchMetrics"]
    assert (described["Namespace"], sorted(described["Dimensions"][0])) == ("cellflag", ["model", "service"])
    names = ("Images", "Rejected", "DecidedALL", "DecidedNormal", "Review", "MessagesFailed")
    assert [values[name] for name in names] == [[4.0], [1.0], [1.0], [1.0], [2.0], [1.0]]
    assert 4 <= values["UploadToResult"][0] <= 60


def test_a_backfill_adds_to_neither_the_failed_messages_nor_the_time_from_upload_to_result(
    log: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    document: Any = {"status": "scored", "decision": "ALL"}
    old = ImageAnswer(document, "written", "2020-01-01T00:00:00Z")
    report_batch(1, 1, [old], "model-1", queued=False)
    values = json.loads(capsys.readouterr().out)
    assert (values["Images"], values["MessagesFailed"]) == ([1.0], [0.0])
    assert "UploadToResult" not in values
