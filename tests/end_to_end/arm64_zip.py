"""Scores a folder of cells by the function's handler, for `.ci/run-arm64-zip`, which runs this twice.

The first run uses the code of the checkout and prints the answers as JSON. The second uses the code of the zip, on the
processor of the zip, and fails unless its answers are those of the first.
"""

import json
import os
import platform
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote_plus

# Probabilities of two kinds of processors differ by up to 7e-5.
TOLERANCE = 1e-3

os.environ |= {
    "RESULTS_BUCKET": "results",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "none",
    "AWS_SECRET_ACCESS_KEY": "none",
    "POWERTOOLS_METRICS_DISABLED": "true",
    "POWERTOOLS_LOG_LEVEL": "WARNING",
}
sys.path.append(str(Path(__file__).parents[2]))  # the zip has no tests


def answers(folder: Path) -> dict[str, dict[str, Any]]:
    """The results of the images in a folder, and of a file that is none, by key."""
    from lambda_fn import handler
    from tests.fake_s3 import FakeS3

    assert Path(str(handler.__file__)).is_relative_to(os.environ["PYTHONPATH"]), handler.__file__
    s3 = FakeS3()
    runtime: Any = handler.runtime
    runtime.s3 = s3
    images = {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}
    images["notes 1.txt"] = b"no image"
    records = []
    for number, (key, body) in enumerate(images.items()):
        version = s3.put_object(Bucket="images", Key=key, Body=body)["VersionId"]
        described = {"key": quote_plus(key), "size": len(body), "eTag": "0", "versionId": version}
        announcement = {
            "eventSource": "aws:s3",
            "eventName": "ObjectCreated:Put",
            "eventTime": "2026-11-21T12:00:00.000Z",
            "s3": {"bucket": {"name": "images"}, "object": described | {"sequencer": f"{number:016X}"}},
        }
        body_of_message = json.dumps({"Records": [announcement]})
        records.append({"messageId": str(number), "eventSource": "aws:sqs", "body": body_of_message})
    context: Any = SimpleNamespace(aws_request_id="request", get_remaining_time_in_millis=lambda: 600_000)
    response = handler.handler({"Records": records}, context)
    assert response == {"batchItemFailures": []}, response
    results = {key: one.body for key, one in s3.current("results").items() if key.startswith("results/")}
    return {key: json.loads(body) for key, body in results.items()}


def difference(here: dict[str, Any], there: dict[str, Any]) -> float:
    """The greatest difference of two probabilities; fails if two answers differ in anything else that is decided."""
    assert here.keys() == there.keys(), (sorted(here), sorted(there))
    greatest = 0.0
    for key, expected in here.items():
        for field in ("status", "decision", "review", "model", "error"):
            assert there[key].get(field) == expected.get(field), (key, field, there[key].get(field))
        if expected["prediction"]:
            pair = [one["prediction"]["probability_all"] for one in (expected, there[key])]
            greatest = max(greatest, abs(pair[0] - pair[1]))
    assert greatest < TOLERANCE, greatest
    return greatest


def main() -> None:
    """Print the answers, or compare them with those in the file that the second argument names."""
    scored = answers(Path(sys.argv[1]))
    if len(sys.argv) == 2:
        print(json.dumps(scored))
        return
    expected = json.loads(Path(sys.argv[2]).read_text("utf-8"))
    greatest = difference(expected, scored)
    assert platform.machine() == "aarch64", platform.machine()
    statuses = [one["status"] for one in scored.values()]
    print(
        f"the zip on {platform.machine()}, Python {platform.python_version()}: {statuses.count('scored')} scored, "
        f"{statuses.count('rejected')} rejected, as here; probabilities differ by at most {greatest:.1e}"
    )


if __name__ == "__main__":
    main()
