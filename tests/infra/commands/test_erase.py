"""`cellflag erase` leaves no trace of an image, and no other image loses one."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from click.testing import Result

from infra.commands import erase as commands
from infra.commands.erase import erase
from infra.deployed_stack import DeployedStack
from infra.operate.erasure import messages
from infra.operate.erasure import versions as versions_of_objects
from tests.infra.fakes import IMAGES, RESULTS
from tests.infra.traces import (
    KEY,
    LEDGER,
    OTHERS,
    fill,
    ledger_texts,
    line,
    message_texts,
    notification,
    of_images,
    put,
    versions,
)

Run = Callable[..., Result]


@pytest.fixture(autouse=True)
def no_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """No function answers a deletion here."""
    monkeypatch.setattr(commands, "MOST_WAIT_SECONDS", 0)


@pytest.fixture
def versioned(stack: DeployedStack, monkeypatch: pytest.MonkeyPatch) -> Iterator[DeployedStack]:
    monkeypatch.setattr(messages, "_WAIT_SECONDS", 0)
    for bucket in (IMAGES, RESULTS):
        stack.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    fill(stack, KEY, *OTHERS)
    lines = [line(key) for key in (KEY, *OTHERS)]
    put(stack, RESULTS, LEDGER, b"".join(one + b"\n" for one in lines))
    put(stack, RESULTS, "ledger/dt=2026-11-22/whole.jsonl", line(KEY) + b"\n")
    put(stack, RESULTS, "ledger/dt=2026-11-22/rest.jsonl", line(OTHERS[0]) + b"\nno JSON\n\n[]\n")
    yield stack


def test_a_dry_run_counts_everything_and_changes_nothing(run: Run, versioned: DeployedStack) -> None:
    before = versions(versioned)
    result = run(erase, KEY)
    assert result.exit_code == 0, result.output
    rows = [tuple(line.split(maxsplit=1)) for line in result.stdout.splitlines()]
    counts = {words.rsplit(maxsplit=2)[0]: int(number) for number, words in rows if number.isdigit()}
    assert counts == {
        "image versions": 4,
        "results": 2,
        "review flags": 3,
        "labels": 2,
        "ledger lines": 2,
        "dead letters": 1,
    }
    assert "Nothing was erased" in result.stdout
    assert versions(versioned) == before
    assert len(message_texts(versioned, "QueueUrl")) == len(message_texts(versioned, "DeadLetterQueueUrl")) == 10


@pytest.mark.parametrize("answer", ["", "no\n", "y\n", f"{KEY}\n"])
def test_any_other_answer_than_the_word_erases_nothing(run: Run, versioned: DeployedStack, answer: str) -> None:
    before = versions(versioned)
    assert "Nothing was erased" in run(erase, KEY, answer=answer).stdout
    assert versions(versioned) == before


@pytest.mark.parametrize(("options", "answer"), [(["--yes"], None), ([], "erase\n")])
def test_an_image_is_erased_with_all_its_traces_and_no_other_loses_one(
    run: Run, versioned: DeployedStack, options: list[str], answer: str | None
) -> None:
    others = of_images(versioned, *OTHERS)
    result = run(erase, KEY, *options, answer=answer)
    assert result.exit_code == 0, result.output
    assert of_images(versioned, KEY) == []
    assert of_images(versioned, *OTHERS) == others
    assert not [text for text in ledger_texts(versioned) if line(KEY) in text]
    current = versioned.s3.get_object(Bucket=RESULTS, Key=LEDGER)["Body"].read()
    assert current == b"".join(line(key) + b"\n" for key in OTHERS)
    for output in ("QueueUrl", "DeadLetterQueueUrl"):
        assert sorted(message_texts(versioned, output)) == sorted(map(notification, OTHERS))


@pytest.mark.parametrize("key", OTHERS)
def test_every_key_can_be_erased_however_hostile(run: Run, versioned: DeployedStack, key: str) -> None:
    rest = [other for other in (KEY, *OTHERS) if other != key]
    others = of_images(versioned, *rest)
    result = run(erase, key, "--yes")
    assert result.exit_code == 0, result.output
    assert of_images(versioned, key) == []
    assert of_images(versioned, *rest) == others
    assert "\u202e" not in result.output


def test_a_prefix_erases_all_below_it_and_nothing_else(run: Run, versioned: DeployedStack) -> None:
    below = [key for key in (KEY, *OTHERS) if key.startswith("plate 7/a")]
    rest = [key for key in OTHERS if key not in below]
    others = of_images(versioned, *rest)
    assert run(erase, "--prefix", "plate 7/a", "--yes").exit_code == 0
    assert of_images(versioned, *below) == []
    assert of_images(versioned, *rest) == others
    assert not [text for text in ledger_texts(versioned) for key in below if line(key) in text]


def test_erasing_again_finds_nothing(run: Run, versioned: DeployedStack) -> None:
    run(erase, KEY, "--yes")
    before = versions(versioned)
    assert f"There is no trace of {KEY}." in run(erase, KEY).stdout
    assert run(erase, KEY, "--yes").exit_code == 0
    assert versions(versioned) == before


def test_more_versions_than_one_request_deletes_are_erased(
    run: Run, stack: DeployedStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(versions_of_objects, "_MOST_DELETIONS", 2)
    stack.s3.put_bucket_versioning(Bucket=IMAGES, VersioningConfiguration={"Status": "Enabled"})
    put(stack, IMAGES, KEY, *(b"body" for _ in range(5)))
    assert "5  image versions" in run(erase, KEY, "--yes").stdout
    assert versions(stack) == []


def test_buckets_without_versions_are_erased_as_well_and_other_lines_stay(
    run: Run, stack: DeployedStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(messages, "_WAIT_SECONDS", 0)
    fill(stack, KEY, OTHERS[0])
    put(stack, RESULTS, LEDGER, line(KEY) + b"\n" + line(OTHERS[0]) + b"\n")
    assert run(erase, KEY, "--yes").exit_code == 0
    assert of_images(stack, KEY) == []
    assert of_images(stack, OTHERS[0]) != []
    assert ledger_texts(stack) == [line(OTHERS[0]) + b"\n"]


def test_unfinished_uploads_are_aborted(run: Run, versioned: DeployedStack) -> None:
    for key in (KEY, OTHERS[0]):
        versioned.s3.create_multipart_upload(Bucket=IMAGES, Key=key)
    assert "1  unfinished uploads" in run(erase, KEY, "--yes").stdout
    uploads = versioned.s3.list_multipart_uploads(Bucket=IMAGES)["Uploads"]
    assert [upload["Key"] for upload in uploads] == [OTHERS[0]]


def test_a_ledger_file_that_is_written_meanwhile_loses_no_line(
    run: Run, versioned: DeployedStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = versioned.s3.put_object
    meanwhile = iter([line("late.bmp") + b"\n" + line(KEY) + b"\n"])

    def late(**request: Any) -> Any:
        if request["Key"] == LEDGER and (body := next(meanwhile, None)):
            write(Bucket=RESULTS, Key=LEDGER, Body=body)
        return write(**request)

    monkeypatch.setattr(versioned.s3, "put_object", late)
    run(erase, KEY, "--yes")
    assert versioned.s3.get_object(Bucket=RESULTS, Key=LEDGER)["Body"].read() == line("late.bmp") + b"\n"


def refuse(code: str, operation: str) -> Callable[..., Any]:
    def refusal(*_: Any, **__: Any) -> Any:
        raise ClientError({"Error": {"Code": code, "Message": "no\x1b[2J."}}, operation)

    return refusal


@pytest.mark.parametrize(
    ("client", "operation", "kind"),
    [
        ("s3", "delete_objects", "image versions"),
        ("s3", "put_object", "ledger lines"),
        ("sqs", "receive_message", "dead letters"),
        ("s3", "list_multipart_uploads", "unfinished uploads"),
    ],
)
def test_a_missing_right_is_reported_and_all_else_is_erased(
    client: str,
    operation: str,
    kind: str,
    run: Run,
    versioned: DeployedStack,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(getattr(versioned, client), operation, refuse("AccessDenied", operation))
        result = run(erase, KEY, "--yes")
    assert result.exit_code == 1
    assert kind in result.stdout
    assert r"AccessDenied: no\x1b[2J" in result.stdout
    assert "not all of plate 7/a.bmp was erased" in result.output
    assert run(erase, KEY, "--yes").exit_code == 0
    assert "There is no trace" in run(erase, KEY).stdout


def test_a_version_under_object_lock_is_reported_and_all_else_is_erased(
    run: Run, versioned: DeployedStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    delete = versioned.s3.delete_objects
    locked = of_images(versioned, KEY)[0]

    def delete_unlocked(**request: Any) -> Any:
        objects = [one for one in request["Delete"]["Objects"] if one["VersionId"] != locked[2]]
        if objects:
            delete(Bucket=request["Bucket"], Delete={"Objects": objects, "Quiet": True})
        if len(objects) == len(request["Delete"]["Objects"]):
            return {}
        reason = {"Code": "AccessDenied", "Message": "Access Denied because object protected by object lock."}
        return {"Errors": [reason | {"Key": KEY, "VersionId": locked[2]}]}

    monkeypatch.setattr(versioned.s3, "delete_objects", delete_unlocked)
    result = run(erase, KEY, "--yes")
    assert result.exit_code == 1
    assert "image versions: 1 left, AccessDenied: Access Denied because object protected by object lock" in " ".join(
        result.stdout.split()
    )
    assert of_images(versioned, KEY) == [locked]


def test_a_message_that_names_other_images_too_stays_and_is_reported(run: Run, versioned: DeployedStack) -> None:
    both = notification(KEY, OTHERS[0])
    versioned.sqs.send_message(QueueUrl=versioned.output("DeadLetterQueueUrl"), MessageBody=both)
    result = run(erase, KEY, "--yes")
    assert result.exit_code == 1
    assert "dead letters: 1 left, a message names other images too" in " ".join(result.stdout.split())
    assert both in message_texts(versioned, "DeadLetterQueueUrl")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "name either the KEY"),
        (["--prefix", ""], "name either the KEY"),
        ([""], "name either the KEY"),
        ([KEY, "--prefix", "plate"], "name either the KEY"),
        (["caf\udce9.bmp"], "not UTF-8"),
    ],
)
def test_what_selects_no_image_is_refused(arguments: list[str], words: str, run: Run, stack: DeployedStack) -> None:
    result = run(erase, *arguments, "--yes")
    assert (result.exit_code, words in result.output) == (2, True)


def test_objects_outside_the_prefix_of_the_deployment_are_not_its_own(run: Run, versioned: DeployedStack) -> None:
    versioned.outputs["ImagesPrefix"] = "plate 7/"
    before = versions(versioned)
    result = run(erase, "--prefix", "plate", "--yes")
    assert (result.exit_code, "only keys that begin with plate 7/" in result.output) == (2, True)
    assert versions(versioned) == before
    assert run(erase, KEY, "--yes").exit_code == 0
