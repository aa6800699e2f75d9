"""Results and flags in the bucket, after workers wrote them in any order."""

import json
import random
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambda_fn import publishing
from lambda_fn.precedence import ImageVersion, Precedence
from lambda_fn.results import WriteOutcome
from lambda_fn.stores import BucketStore

from ..fake_s3 import FakeS3
from .interleaving import Interleaving

MODEL = "model-1"


def document(version: object, review: bool, key: str = "a.bmp") -> Any:
    return {"image": {"key": key, "version_id": version}, "review": {"required": review}}


def precedence(
    sequencer: str | None,
    last_modified: str = "2026-11-22T12:00:00Z",
    model: str = MODEL,
    etag: str | None = None,
    version_id: str | None = None,
) -> Precedence:
    return Precedence(sequencer, last_modified, model, etag, version_id)


def bucket(s3: FakeS3) -> BucketStore:
    return BucketStore(cast(Any, s3), "results")


def publish(store: BucketStore, document: Any, precedence: Precedence, **options: Any) -> WriteOutcome:
    """Publish a result of an image that exists, in a version that is neither the result's nor the standing one's."""
    return publishing.publish(store, document, precedence, lambda: ImageVersion("another", None), **options)


def current(s3: FakeS3) -> dict[str, Any]:
    return {key: json.loads(version.body) for key, version in s3.current("results").items()}


@pytest.mark.parametrize(
    ("one", "other", "order"),
    [
        (precedence("0055AED6DCD90281E5"), precedence("0055AED6DCD90281E6"), -1),
        (precedence("0055aed6dcd90281e5"), precedence("0055AED6DCD90281E5"), 0),
        (precedence("0055AED6DCD90281E5"), precedence("0055AED6DCD90281E5000"), 0),
        (precedence("0055AED6DCD90281E5"), precedence("0055AED6DCD90281E5001"), -1),
        (precedence("9"), precedence("0A0"), 1),
        (precedence("02", "2026-11-22T12:00:00Z"), precedence("01", "2026-11-22T12:00:09Z"), 1),
        (precedence(None, "2026-11-22T12:00:00Z"), precedence("01", "2026-11-22T12:00:09Z"), -1),
        (precedence(None, "2026-11-22T12:00:09Z"), precedence("01", "2026-11-22T12:00:00Z"), 1),
        (precedence(None), precedence("01"), -1),
        (precedence(None), precedence(None), 0),
        (precedence(None, etag="e"), precedence("01", etag="e"), 0),
        (precedence(None, etag="e"), precedence("01", etag="f"), -1),
        (precedence(None, "2026-11-22T12:00:09Z", etag="e"), precedence("01", etag="e"), 1),
        (precedence("02", etag="e"), precedence("01", etag="e"), 1),
    ],
)
def test_the_later_upload_takes_precedence(one: Precedence, other: Precedence, order: int) -> None:
    assert one.compare(other) == order
    assert other.compare(one) == -order


@given(st.lists(st.text("0123456789ABCDEFabcdef", min_size=1, max_size=20), min_size=2))
def test_sequencers_order_as_fractions_do(sequencers: list[str]) -> None:
    for one, other in pairwise(sequencers):
        expected = int(one.ljust(20, "0"), 16) - int(other.ljust(20, "0"), 16)
        assert precedence(one).compare(precedence(other)) == (expected > 0) - (expected < 0)


@given(st.sampled_from([None, "0A", "ff"]), st.sampled_from(["", "2026-11-22T12:00:00Z"]), st.none() | st.just("e"))
def test_precedence_survives_as_metadata(sequencer: str | None, last_modified: str, etag: str | None) -> None:
    one = Precedence(sequencer, last_modified, MODEL, etag)
    assert Precedence.from_metadata(one.to_metadata()) == one


@pytest.mark.parametrize(("review", "requests"), [(False, 1), (True, 4)])
def test_a_first_result_costs_one_request_and_its_flag_three_more(review: bool, requests: int) -> None:
    s3 = FakeS3()
    assert publish(bucket(s3), document(1, review), precedence("01")) == "written"
    assert s3.requests.total() == requests
    assert set(current(s3)) == {"results/a.bmp.json"} | ({"review/a.bmp.json"} if review else set())


STORIES: list[tuple[str, list[tuple[str, bool, str]], list[WriteOutcome], str, bool]] = [
    ("a newer version replaces", [("01", True, MODEL), ("02", False, MODEL)], ["written", "written"], "02", False),
    ("a late older version does not", [("02", False, MODEL), ("01", True, MODEL)], ["written", "stale"], "02", False),
    ("a duplicate changes nothing", [("01", True, MODEL), ("01", False, MODEL)], ["written", "duplicate"], "01", True),
    ("a new model replaces", [("01", False, MODEL), ("01", True, "model-2")], ["written", "written"], "01", True),
    ("an old version of a new model", [("02", True, MODEL), ("01", False, "m")], ["written", "stale"], "02", True),
]


@pytest.mark.parametrize(
    ("deliveries", "outcomes", "stands", "flagged"), [s[1:] for s in STORIES], ids=[s[0] for s in STORIES]
)
def test_the_newest_version_stands_with_its_flag(
    deliveries: list[tuple[str, bool, str]], outcomes: list[WriteOutcome], stands: str, flagged: bool
) -> None:
    s3 = FakeS3()
    for (sequencer, review, model), outcome in zip(deliveries, outcomes, strict=True):
        wanted = precedence(sequencer, model=model)
        assert publish(bucket(s3), document(sequencer, review), wanted) == outcome
    assert current(s3)["results/a.bmp.json"]["image"]["version_id"] == stands
    assert ("review/a.bmp.json" in current(s3)) == flagged


def test_looking_first_saves_a_write_that_would_be_refused_because_of_an_earlier_result() -> None:
    s3 = FakeS3()
    publish(bucket(s3), document(1, False), precedence("01"))
    s3.requests.clear()
    publish(bucket(s3), document(1, False), precedence("01", model="model-2"), look_first=True)
    assert s3.requests["PutObject"] == 1


def test_a_backfill_without_sequencers_replaces_results_of_an_older_model_but_a_late_older_event_does_not() -> None:
    s3 = FakeS3()
    publish(bucket(s3), document("new", False), precedence("02", etag="e"))
    assert publish(bucket(s3), document("new", True), precedence(None, model="model-2", etag="e")) == "written"
    assert publish(bucket(s3), document("old", False), precedence("01", model="model-2", etag="d")) == "stale"
    assert set(current(s3)) == {"results/a.bmp.json", "review/a.bmp.json"}
    assert current(s3)["results/a.bmp.json"]["image"]["version_id"] == "new"


@pytest.mark.parametrize(("replace_own", "outcome", "flagged"), [(False, "duplicate", False), (True, "written", True)])
def test_a_result_of_the_same_model_is_written_again_only_on_request(
    replace_own: bool, outcome: WriteOutcome, flagged: bool
) -> None:
    s3 = FakeS3()
    publish(bucket(s3), document(1, False), precedence("01", etag="e"))
    again = publish(bucket(s3), document(1, True), precedence(None, etag="e"), replace_own=replace_own)
    assert again == outcome
    assert ("review/a.bmp.json" in current(s3)) == flagged


@pytest.mark.parametrize(
    ("mine", "earlier", "outcome"),
    [
        # The image's current version is v1, with the entity tag e; v2 was deleted, or is older than it looks.
        (precedence("03", etag="e", version_id="v1"), precedence("02", etag="f", version_id="v2"), "written"),
        (precedence("01", etag="e", version_id="v1"), precedence("02", etag="f", version_id="v2"), "written"),
        (precedence(None, etag="e", version_id="v1"), precedence("02", etag="f", version_id="v2"), "written"),
        (precedence("03", etag="f", version_id="v2"), precedence("02", etag="e", version_id="v1"), "stale"),
        (precedence("03", etag="e", version_id="v2"), precedence("02", etag="e", version_id="v1"), "stale"),
        (precedence("01", etag="e", version_id="v1"), precedence("02", etag="e", version_id="v1"), "duplicate"),
        (precedence("03", etag="e", version_id="v1"), precedence("02", etag="e", version_id="v1"), "duplicate"),
        (precedence(None, model="m", etag="e", version_id="v1"), precedence("2", etag="e", version_id="v1"), "written"),
        # An older release did not keep the version of its results.
        (precedence("01", etag="e", version_id="v1"), precedence("02", etag="e"), "duplicate"),
        (precedence("01", etag="e", version_id="v1"), precedence("02", etag="f"), "written"),
        # Between two versions that are not current, the later one stands.
        (precedence("02", etag="f", version_id="v2"), precedence("03", etag="g", version_id="v3"), "stale"),
        (precedence("03", etag="g", version_id="v3"), precedence("02", etag="f", version_id="v2"), "written"),
        # Without versions, the same bytes may have been uploaded once more.
        (precedence("03", etag="e"), precedence("02", etag="e"), "written"),
        (precedence("02", etag="e"), precedence("02", etag="e"), "duplicate"),
        (precedence("02", etag="e"), precedence(None, etag="e"), "written"),
        (precedence(None, etag="e"), precedence(None, etag="e"), "duplicate"),
    ],
)
def test_the_result_of_the_current_version_stands_whatever_the_order_of_events(
    mine: Precedence, earlier: Precedence, outcome: WriteOutcome
) -> None:
    s3 = FakeS3()
    look = partial(ImageVersion, "v1" if mine.version_id else None, "e")
    publishing.publish(bucket(s3), document(1, False), earlier, look)
    assert publishing.publish(bucket(s3), document(2, True), mine, look) == outcome
    assert ("review/a.bmp.json" in current(s3)) == (outcome == "written")


@pytest.mark.parametrize("stands", [False, True])
def test_a_result_of_an_image_that_is_gone_is_withdrawn_with_its_flag_and_its_older_versions_stay(stands: bool) -> None:
    s3 = FakeS3()
    if stands:
        publish(bucket(s3), document(1, True), precedence("01"))
    assert publishing.publish(bucket(s3), document(2, True), precedence("02"), lambda: None) == "withdrawn"
    assert current(s3) == {}
    kept = [version.is_marker for version in s3.versions("results", "results/a.bmp.json")]
    assert kept == [False, True]


@settings(max_examples=300)
@given(
    versions=st.lists(st.tuples(st.integers(1, 4), st.booleans()), min_size=2, max_size=5),
    look_first=st.booleans(),
    seed=st.integers(0, 2**32),
    kills=st.sampled_from([0, 0.1, 0.3]),
)
def test_racing_and_dying_workers_end_with_the_newest_result_and_its_own_flag(
    versions: list[tuple[int, bool]], look_first: bool, seed: int, kills: float
) -> None:
    review_of = dict(versions)  # two deliveries of one version have the same score
    generator = random.Random(seed)

    def deliver(version: int) -> Callable[[FakeS3], object]:
        scored, order = document(version, review_of[version]), precedence(f"{version:02}")
        return lambda s3: publish(bucket(s3), scored, order, look_first=look_first)

    race = Interleaving()
    for version, _ in versions:
        race.start(deliver(version))
    while race.running:
        index = generator.choice(sorted(race.running))
        race.step(index, kill=generator.random() < kills)
    for index in race.unfinished:  # the messages of dead workers are delivered again, in any order
        deliver(versions[index][0])(race.s3)

    newest = max(review_of)
    assert current(race.s3)["results/a.bmp.json"]["image"]["version_id"] == newest
    flag = current(race.s3).get("review/a.bmp.json")
    assert (flag is not None) == review_of[newest]
    assert flag is None or flag["image"]["version_id"] == newest


def label(sha256: str, answer: str | None = "ALL") -> bytes:
    return json.dumps({"label": answer, "labelled_at": "2026-11-22T12:00:00Z", "image": {"sha256": sha256}}).encode()


def of_pixels(sha256: str, model: str = MODEL) -> Any:
    found = document(1, review=True)
    found["image"] |= {"sha256": sha256, "etag": None}
    return found | {"model": model}


@pytest.mark.parametrize(
    ("body", "flagged"),
    [
        (label("digest"), False),
        (label("digest", "cannot_say"), False),
        (label("digest", None), True),
        (label("digest of other pixels"), True),
        (b"no label", True),
    ],
)
def test_pixels_that_a_person_has_answered_are_not_flagged_again(body: bytes, flagged: bool) -> None:
    s3 = FakeS3()
    s3.put_object(Bucket="results", Key="labels/a.bmp.json", Body=body)
    assert publish(bucket(s3), of_pixels("digest"), precedence("01")) == "written"
    assert ("review/a.bmp.json" in s3.current("results")) == flagged
    publish(bucket(s3), of_pixels("digest"), precedence("01", model="model-2"))
    assert ("review/a.bmp.json" in s3.current("results")) == flagged
    result = json.loads(s3.current("results")["results/a.bmp.json"].body)
    assert result["review"]["required"]


def test_a_new_version_of_a_labelled_image_is_flagged() -> None:
    s3 = FakeS3()
    s3.put_object(Bucket="results", Key="labels/a.bmp.json", Body=label("digest"))
    publish(bucket(s3), of_pixels("digest"), precedence("01"))
    publish(bucket(s3), of_pixels("digest of new pixels"), precedence("02"))
    assert "review/a.bmp.json" in s3.current("results")


def test_a_label_that_is_taken_back_while_its_flag_is_being_deleted_has_its_flag_afterwards() -> None:
    s3 = FakeS3()
    s3.put_object(Bucket="results", Key="labels/a.bmp.json", Body=label("digest"))

    def take_back_first(name: str, operation: Callable[[], Any]) -> Any:
        if name == "DeleteObject":
            s3.around = lambda name, operation: operation()
            s3.put_object(Bucket="results", Key="review/a.bmp.json", Body=b"{}")
            s3.put_object(Bucket="results", Key="labels/a.bmp.json", Body=label("digest", None))
        return operation()

    s3.around = take_back_first
    publish(bucket(s3), of_pixels("digest"), precedence("01"))
    assert "review/a.bmp.json" in s3.current("results")
