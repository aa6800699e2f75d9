import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_fn.errors import UnknownEventError
from lambda_fn.events import ImageReference, Message, image_references, messages

EVENTS = Path(__file__).parents[1] / "events"


def event(name: str) -> dict[str, Any]:
    body: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text("utf-8"))
    return body


def test_a_notification_names_the_version_and_the_decoded_key_of_the_object() -> None:
    assert image_references(Message("1", json.dumps(event("s3_object_created")))) == [
        ImageReference(
            bucket="images",
            key="plate 7/cell-12 ü 1+1.bmp",
            version_id="096fKKXTRTtl3on89fVO.nfljtsv6qko",
            sequencer="0055AED6DCD90281E5",
        )
    ]


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=100))
def test_every_key_survives_the_encoding_of_notifications(key: str) -> None:
    notification = event("s3_object_created")
    notification["Records"][0]["s3"]["object"]["key"] = quote_plus(key, safe="/")
    assert image_references(Message("1", notification))[0].key == key


def test_a_bucket_without_versions_gives_references_without_one() -> None:
    notification = event("s3_object_created")
    for name in ("versionId", "sequencer"):
        del notification["Records"][0]["s3"]["object"][name]
    assert image_references(Message("1", notification)) == [ImageReference("images", "plate 7/cell-12 ü 1+1.bmp")]


def test_a_notification_through_a_topic_names_the_same_image() -> None:
    expected = image_references(Message("1", event("s3_object_created")))
    assert image_references(Message("1", json.dumps(event("sns_through_sqs")))) == expected
    assert image_references(Message("", event("sns_to_lambda"))) == expected


def test_an_event_of_event_bridge_names_its_image_by_an_unencoded_key() -> None:
    assert image_references(Message("1", event("event_bridge_object_created"))) == [
        ImageReference("images", "plate 7/cell+12 %41 ü.bmp", "IYV3p45BT0ac8hjHg1houSdS1a.Mro8e", "617f08299329d189")
    ]


@pytest.mark.parametrize(
    "name", ["ObjectRemoved:Delete", "ObjectRemoved:DeleteMarkerCreated", "LifecycleExpiration:Delete"]
)
def test_a_deletion_names_the_image_but_not_the_version_that_is_gone(name: str) -> None:
    notification = event("s3_object_created")
    notification["Records"][0]["eventName"] = name
    for field in ("size", "eTag"):  # the events of deletions have neither
        del notification["Records"][0]["s3"]["object"][field]
    expected = ImageReference("images", "plate 7/cell-12 ü 1+1.bmp", sequencer="0055AED6DCD90281E5", removed=True)
    assert image_references(Message("1", json.dumps(notification))) == [expected]


@pytest.mark.parametrize("kind", ["Delete Marker Created", "Permanently Deleted"])
def test_a_deletion_comes_through_event_bridge_too(kind: str) -> None:
    body = event("event_bridge_object_created") | {"detail-type": "Object Deleted"}
    body["detail"] |= {"deletion-type": kind, "reason": "Lifecycle Expiration"}
    del body["detail"]["object"]["size"]
    assert image_references(Message("1", body)) == [
        ImageReference("images", "plate 7/cell+12 %41 ü.bmp", sequencer="617f08299329d189", removed=True)
    ]


@pytest.mark.parametrize("name", ["ObjectRestore:Completed", "ObjectTagging:Put", "LifecycleTransition", "Object"])
def test_other_events_of_s3_are_unknown(name: str) -> None:
    notification = event("s3_object_created")
    notification["Records"][0]["eventName"] = name
    with pytest.raises(UnknownEventError, match="neither the creation nor the deletion"):
        image_references(Message("1", notification))


SINCE = "2026-11-22T12:00:00.123Z"
START = datetime(2026, 11, 22, 12, 0, 0, 123_000, UTC)
ANSWERED = {"scored": 1, "rejected": 0, "failed": 1}


@pytest.mark.parametrize(
    ("extra", "since"),
    [
        ({}, START),
        (
            {"first": {"counts": {"scored": 0, "rejected": 0, "failed": 2}}},
            datetime(2026, 11, 22, 12, 0, 0, 123_000, UTC),
        ),
        ({"first": {"counts": ANSWERED}}, None),  # the first try wrote its lines
    ],
)
def test_a_backfill_knows_its_start_until_one_of_its_tries_wrote_the_ledger(
    extra: dict[str, Any], since: datetime | None
) -> None:
    item = {"Bucket": "images", "Key": "a.bmp", "Backfill": "missing", "Since": SINCE}
    for body in ({"Items": [item], **extra}, item | extra):
        assert [reference.since for reference in image_references(Message("", body))] == [since]


def test_a_message_is_late_from_its_third_delivery_on() -> None:
    batch = event("sqs_batch")
    for receives, late in (("1", False), ("2", False), ("3", True), ("12", True), (None, False)):
        batch["Records"][0]["attributes"]["ApproximateReceiveCount"] = receives
        assert [message.late for message in messages(batch)] == [late, False]


def test_a_batch_of_a_backfill_is_late_after_a_crash() -> None:
    items = event("step_functions_items")
    assert [message.late for message in messages(items)] == [False]
    assert [message.late for message in messages(items | {"first": {"crashed": True}})] == [True]


def test_a_backfill_names_its_images_and_whether_it_answers_missing_or_all_ones() -> None:
    assert image_references(Message("", event("step_functions_items"))) == [
        ImageReference("images", "plate 7/a+b.bmp", backfill="missing"),
        ImageReference("images", "c.bmp", backfill="missing"),
    ]
    assert image_references(Message("", event("step_functions_item"))) == [
        ImageReference("images", "plate 7/a+b.bmp", backfill="all")
    ]


@pytest.mark.parametrize(
    ("filters", "keys"),
    [
        ({"Prefix": "plate 7/"}, ["plate 7/a.bmp", "plate 7/notes.txt"]),
        ({"Suffix": ".bmp"}, ["plate 7/a.bmp", "b.bmp"]),
        ({"Prefix": "plate 7/", "Suffix": ".bmp"}, ["plate 7/a.bmp"]),
    ],
)
def test_a_backfill_leaves_out_keys_whose_uploads_would_not_be_scored(filters: dict[str, str], keys: list[str]) -> None:
    names = ("plate 7/a.bmp", "plate 7/notes.txt", "b.bmp")
    items = [{"Bucket": "images", "Key": key, "Backfill": "all"} | filters for key in names]
    assert [reference.key for reference in image_references(Message("", {"Items": items}))] == keys


def test_the_test_event_of_s3_names_no_image() -> None:
    assert image_references(Message("1", event("s3_test_event"))) == []


@pytest.mark.parametrize("version", ["2.0", "2.1", "2.2", "2.3", "2.4", "2.5", "2.6", "2.99"])
def test_a_notification_of_any_minor_version_is_read(version: str) -> None:
    notification = event("s3_object_created")
    expected = image_references(Message("1", notification))
    notification["Records"][0]["eventVersion"] = version
    assert image_references(Message("1", json.dumps(notification))) == expected


def test_a_message_of_several_records_names_several_images() -> None:
    notification = event("s3_object_created")
    notification["Records"] *= 3
    assert len(image_references(Message("1", json.dumps(notification)))) == 3


def test_a_folder_made_in_the_console_is_no_image() -> None:
    of_s3, of_event_bridge = event("s3_object_created"), event("event_bridge_object_created")
    for entity in (of_s3["Records"][0]["s3"]["object"], of_event_bridge["detail"]["object"]):
        entity.update(key="plate+7/", size=0)
    item = {"Bucket": "images", "Key": "plate 7/", "Size": 0, "Backfill": "all"}
    for body in (of_s3, of_event_bridge, item, {"Items": [item]}):
        assert image_references(Message("1", json.dumps(body))) == []


@pytest.mark.parametrize("size", [608454, None])
def test_an_image_whose_key_ends_with_a_slash_is_an_image(size: int | None) -> None:
    of_s3, of_event_bridge = event("s3_object_created"), event("event_bridge_object_created")
    for entity in (of_s3["Records"][0]["s3"]["object"], of_event_bridge["detail"]["object"]):
        entity.update(key="plate/", size=size)
    item = {"Bucket": "images", "Key": "plate/", "Size": size, "Backfill": "all"}
    if size is None:  # as in a list of keys that a user made
        del item["Size"]
    for body in (of_s3, of_event_bridge, item, {"Items": [item]}):
        assert [reference.key for reference in image_references(Message("1", json.dumps(body)))] == ["plate/"]


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[" * 100_000,
        "[]",
        "not JSON",
        "null",
        '{"Records": null}',
        '{"Records": [{}]}',
        '{"Records": [{"eventSource": "aws:s3", "eventName": "ObjectRemoved:Delete"}]}',
        '{"Records": [{"eventSource": "aws:dynamodb", "eventName": "INSERT"}]}',
        '{"source": "aws.s3", "detail-type": "Object Deleted", "detail": {}}',
        '{"Type": "Notification", "Message": "hello"}',
        '{"Items": [{"Key": "a.bmp"}]}',
        '{"Bucket": "images", "Key": "a.bmp", "Backfill": "some"}',
    ],
)
def test_any_other_message_than_the_notification_of_a_created_object_is_unknown(body: str) -> None:
    with pytest.raises(UnknownEventError):
        image_references(Message("1", body))


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("jane doe", "8 characters that are no JSON"),
        ("[1]", "a JSON list"),
        ('{"patient": "jane doe", "cells": 3}', "an object of 'patient', 'cells'"),
        (
            '{"Records": [{"eventSource": "aws:s3", "eventName": "ObjectRemoved:Delete"}]}',
            "aws:s3 ObjectRemoved:Delete",
        ),
        ('{"source": "aws.s3", "detail-type": "Object Deleted"}', "aws.s3 Object Deleted"),
    ],
)
def test_the_error_describes_the_shape_of_an_unknown_message_but_not_its_values(body: str, words: str) -> None:
    with pytest.raises(UnknownEventError) as unknown:
        image_references(Message("1", body))
    assert words in str(unknown.value)
    assert "jane" not in str(unknown.value)


NAMES = st.sampled_from(["Records", "Event", "s3", "eventSource", "eventName"])
JSON = st.recursive(
    st.none() | st.text() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(NAMES, inner), max_leaves=20
)


@given(JSON)
def test_any_json_is_parsed_or_is_an_unknown_event_and_raises_no_other_error(value: object) -> None:
    try:
        references = image_references(Message("1", json.dumps(value)))
    except UnknownEventError:
        return
    assert references == []


def test_a_batch_from_a_queue_has_one_message_for_each_record() -> None:
    created, test = messages(event("sqs_batch"))
    assert (created.id, test.id) == ("059f36b4-87a3-44ab-83d2-661975830a7d", "2e1424d4-f796-459a-8184-9c92662be6da")
    assert image_references(created) == image_references(Message("", event("s3_object_created")))
    assert image_references(test) == []


def test_a_notification_without_a_queue_is_one_message_without_an_id() -> None:
    notification = event("s3_object_created")
    assert messages(notification) == [Message("", notification)]
