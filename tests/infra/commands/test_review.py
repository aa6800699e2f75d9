"""The end of ``cellflag review``: the promise is judged if audits were answered."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from click.testing import Result

from infra.commands.review import review
from infra.deployed_stack import DeployedStack
from infra.errors import InfraError
from infra.promise.state import last_state
from infra.review import serving
from infra.review.bucket import BucketPlace
from infra.review.desk import Desk, GivenAnswer
from lambda_fn.manifest import Manifest
from tests.infra.fakes import IMAGES, with_client
from tests.infra.review.conftest import Laboratory

Run = Callable[..., Result]
MODEL = Manifest.read()


@pytest.fixture
def laboratory(stack: DeployedStack) -> Laboratory:
    found = Laboratory(
        BucketPlace(stack),
        lambda key, data: stack.s3.put_object(Bucket=IMAGES, Key=key, Body=data),
        lambda key: stack.s3.delete_object(Bucket=stack.results, Key=key),
    )
    for key, reasons in (("audit.bmp", ("audit",)), ("flag.bmp", ("uncertain",))):
        document = found.add(key, probability=0.97, reasons=reasons)
        document["model"] |= {"version": MODEL.version, "thresholds": "manifest"}
        found.write(key, document)
    return found


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Lets the page's reviewer answer one card, and end the page with Ctrl-C."""

    def answer(key: str) -> None:
        def serve(desk: Desk, *_: Any, **__: Any) -> None:
            card = desk.card(key)
            assert desk.answer(key, GivenAnswer("ALL", card["version"], None, 1.0, False, "", None))[0]
            raise KeyboardInterrupt

        monkeypatch.setattr(serving, "serve", serve)

    return answer


@pytest.mark.usefixtures("laboratory")
def test_answers_to_audits_are_judged_at_the_end_although_ctrl_c_ends_the_page(
    stack: DeployedStack, run: Run, answering: Callable[[str], None]
) -> None:
    answering("audit.bmp")
    assert "Judging the promised error rates" in run(review, "--no-browser").stderr
    found = last_state(stack, MODEL.version, "manifest")
    assert found
    assert (found.broken, found.held) == (0, 0)


@pytest.mark.usefixtures("laboratory")
def test_answers_to_flags_alone_are_no_reason_to_read_every_result(
    stack: DeployedStack, run: Run, answering: Callable[[str], None]
) -> None:
    answering("flag.bmp")
    assert "Judging" not in run(review, "--no-browser").stderr
    assert last_state(stack, MODEL.version, "manifest") is None


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "PutMetricData"), "PutMetricData is not"),
        (InfraError("the manifest states no rates."), "the manifest states no rates"),
        (KeyboardInterrupt(), "it was interrupted"),
    ],
)
def test_a_judgement_that_fails_is_told_in_a_line_and_the_answer_is_kept(
    error: BaseException,
    words: str,
    stack: DeployedStack,
    run: Run,
    laboratory: Laboratory,
    answering: Callable[[str], None],
) -> None:
    def fail(**_: Any) -> None:
        raise error

    with_client(stack, "cloudwatch", put_metric_data=fail)
    answering("audit.bmp")
    shown = run(review, "--no-browser").stderr
    assert f"The promise was not judged: {words}" in shown
    assert "Traceback" not in shown
    assert laboratory.label("audit.bmp")["label"] == "ALL"
