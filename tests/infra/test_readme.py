"""What README.md says of settings and costs is what the code and the list prices say."""

import io
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from aws_cdk.assertions import Template

from infra import prices
from infra.operate.backfills.simulation import SCORE_SECONDS, BackfillPlan, simulate
from infra.settings.configuration import Configuration
from infra.tools.paths import PROJECT
from lambda_fn import reporting
from lambda_fn.manifest import Manifest
from tests.infra.templates import Synthesize, resources

README = (PROJECT / "README.md").read_text("utf-8")
# Five pollers, each asking for 20 s at a time: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
LONG_POLLS = 5 * 3 * 60 * 24 * 30


# In an account: https://aws.amazon.com/cloudwatch/pricing/
FREE_ALARM_METRICS = 10


def table(heading: str) -> dict[str, str]:
    """The table below a line, first to second column."""
    rows = README.split(heading, 1)[1].split("\n\n", 1)[0].splitlines()
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows if row.startswith("| ")]
    return {row[0].strip("`"): row[1].strip("`") for row in cells}


def test_every_setting_is_listed_in_its_order_with_its_default() -> None:
    listed = table("| Setting | Default | |\n")
    assert list(listed) == list(Configuration.model_fields)
    for name, setting in Configuration.model_fields.items():
        if isinstance(setting.default, bool | int | float | str):
            assert f"| `{name}` | `{str(setting.default).lower()}` |" in README
        elif name != "access_logs":  # as hipaa, which is off
            assert listed[name] in ("none", "a new one", "kept", "the model's")


def test_the_error_rates_that_can_be_chosen_are_those_of_the_shipped_model() -> None:
    for name, pairs in Manifest.read().thresholds_by_rate.items():
        (row,) = [line for line in README.splitlines() if line.startswith(f"| `{name}` |")]
        assert f": {pairs[0][0]:g} to {pairs[-1][0]:g}" in row


def logged_bytes(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> int:
    """Of a full batch: the line for people, and the one with metrics."""
    log = io.StringIO()
    monkeypatch.setattr(reporting.logger.registered_handler, "stream", log)
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_VERSION", "1")
    document: Any = {"status": "scored", "decision": "ALL"}
    answer = reporting.ImageAnswer(document, "written", datetime.now(UTC).isoformat())
    size = Configuration().batch_size
    reporting.report_batch(size, 0, [answer] * size, "MobileNetV1-pooled-SVM-2026-11-22", queued=True)
    return len(log.getvalue()) + len(capsys.readouterr().out)


def test_a_million_images_cost_what_is_said(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    size = Configuration().batch_size
    batches = 1_000_000 // size
    fetches = 1_000_000 // prices.SQS_MESSAGES_A_REQUEST
    said = {name: float(usd) for name, usd in table("| A million new images | USD |\n").items()}
    gigabytes = logged_bytes(capsys, monkeypatch) * batches / 1000**3
    (milliseconds,) = (int(found) for found in re.findall(r"computing, (\d+) ms an image", README))
    assert milliseconds == pytest.approx(measured("ms an image", size), rel=0.1)
    computing = prices.lambda_cost(1000 * milliseconds, Configuration().memory_mb, "arm64", batches)
    # Besides the flag, a look for a label, and one at the result.
    flags = (375_000 + Configuration().audit_share * 625_000) * (prices.S3_WRITE_REQUEST + 2 * prices.S3_READ_REQUEST)
    assert 0.33 < Manifest.read().achieved_shares().review_share < 0.42
    assert said == {
        "reading images": pytest.approx(1e6 * prices.S3_READ_REQUEST),
        "looking whether an image still stands": pytest.approx(1e6 * prices.S3_READ_REQUEST),
        "writing results": pytest.approx(1e6 * prices.S3_WRITE_REQUEST),
        "flags, for about three images in eight, and for audits": pytest.approx(flags, abs=0.01),
        f"ledger, a file for each batch of {size}": pytest.approx(batches * prices.S3_WRITE_REQUEST),
        "queue": pytest.approx((1e6 + 2 * fetches) * prices.SQS_REQUEST),
        f"computing, {milliseconds} ms an image on arm64": pytest.approx(computing, abs=0.01),
        "logs": pytest.approx(gigabytes * prices.LOGS_GB_INGESTED, abs=0.01),
        "together": pytest.approx(sum(usd for name, usd in said.items() if name != "together")),
    }
    assert prices.PRICES_AS_OF in README
    assert f"{600 * prices.S3_GB_MONTH:.2f} a month for a million images of 600 KB" in README


def test_images_that_trickle_cost_what_was_measured() -> None:
    alone = {row: measured(row, 1) for row in ("all", "ledger: PUT", "Lambda")}
    text = " ".join(README.split())
    assert f"each a batch: {alone['all']:.2f} a million" in text
    assert f"a ledger file of its own ({alone['ledger: PUT']:.2f})" in text
    assert f"runs for it alone ({alone['Lambda']:.2f})" in text
    page = (PROJECT / "docs" / "performance.md").read_text("utf-8").split("images a second", 1)[1]
    (one_a_second,) = (line.split() for line in page.splitlines() if line.startswith(" 1  "))
    assert f"20 s make it {one_a_second[4]}" in text


def test_images_under_a_key_without_a_bucket_key_cost_what_is_said() -> None:
    assert f"a request to KMS for each image: {1e6 * prices.KMS_REQUEST:.2f} a million" in README


def measured(row: str, batch_size: int) -> float:
    """What docs/performance.md measured in batches of that size."""
    text = (PROJECT / "docs" / "performance.md").read_text("utf-8").split("USD for a million new images", 1)[1]
    cells: dict[str, list[str]] = {}
    for name in ("images a batch", row):
        cells[name] = next(line for line in text.splitlines() if line.startswith(f" {name} ")).split()[-5:]
    return float(cells[row][cells["images a batch"].index(str(batch_size))])


def test_the_simulated_backfill_takes_what_was_measured_and_what_is_said_of_it() -> None:
    assert pytest.approx(measured("CPU ms an image", BackfillPlan().batch_size) / 1000, rel=0.15) == SCORE_SECONDS
    slow, fast = (simulate(BackfillPlan(concurrency=calls)) for calls in (BackfillPlan().concurrency, 40))
    assert sum(slow.cost.values()) == pytest.approx(9, abs=0.5)
    assert f"about 9 USD, and {fast.seconds / 60:.0f} to {slow.seconds / 60:.0f} minutes" in README


def test_standing_still_costs_what_is_said(
    synthesize: Synthesize,
    template: Template,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    alarms = [found["Properties"] for found in resources(template, "AWS::CloudWatch::Alarm").values()]
    read = sum(sum("MetricStat" in metric for metric in alarm.get("Metrics", [{"MetricStat": 1}])) for alarm in alarms)
    document: Any = {"status": "scored", "decision": "ALL"}
    answer = reporting.ImageAnswer(document, "written", datetime.now(UTC).isoformat())
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_VERSION", "1")
    reporting.report_batch(1, 0, [answer], "model", queued=True)
    own = len(re.findall('"Name":', capsys.readouterr().out))
    keys = len(resources(synthesize(hipaa=True), "AWS::KMS::Key"))
    said = {name: float(usd) for name, usd in table("| A month | USD | |\n").items()}
    assert said == pytest.approx(
        {
            "queue": LONG_POLLS * prices.SQS_REQUEST,
            "alarms": read * prices.ALARM_METRIC_MONTH,
            "dashboard": len(resources(template, "AWS::CloudWatch::Dashboard")) * prices.DASHBOARD_MONTH,
            "metrics": own * prices.METRIC_MONTH,
            "key": keys * prices.KMS_KEY_MONTH,
        },
        abs=0.005,
    )
    assert f"{len(alarms)} of them, on {read} metrics" in README
    rotated = [prices.KMS_KEY_MONTH + years * prices.KMS_ROTATION_MONTH for years in (1, prices.KMS_BILLED_ROTATIONS)]
    assert "; {:.2f} after the first yearly rotation, {:.2f} after the second".format(*rotated) in README
    idle = (read - FREE_ALARM_METRICS) * prices.ALARM_METRIC_MONTH
    assert f"the only deployment in an account pays {idle:.2f} a month" in README
    assert f"{own} of them, paid for the hours" in README
    assert not resources(template, "AWS::KMS::Key")
