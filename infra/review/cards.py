"""What the browser gets to know of a cell. Before a blind answer that is the image's key and size, and nothing else."""

import math
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import Any

from infra.review import comparison
from infra.review.answering import StandingLabel
from infra.review.comparison import Measures
from infra.review.policy import ModelView
from infra.review.words import reasons_in_words
from lambda_fn import labels
from lambda_fn.class_ranges import LABELS, ClassRanges
from lambda_fn.decisions import Thresholds
from lambda_fn.features_seen import features_seen
from lambda_fn.labels import LabelDocument, PastEntry
from lambda_fn.morphology_facts import QUANTITIES
from lambda_fn.results import ResultDocument

# Rejections of files that have no picture, so that nobody can tell the class.
_WITHOUT_PICTURE = {"unreadable", "too_large", "unsupported_format"}
# Fields of an answer that a card shows.
_SHOWN = ("label", "reviewer", "labelled_at", "seconds", "comment", "queue", "shown", "model", "outcome")
# Why a result has no explanation, in words; older results give no reason.
_NO_MAP = "The result holds no map of the evidence."
_MISSING = {
    "not_asked": "No explanation was asked for: this image needed no review when it was scored.",
    "not_in_model": "The model that scored this image cannot explain it.",
    "rejected": "A rejected image has no score to explain.",
    "empty_square": "No part of the cell lies in the square that the model sees.",
    "not_finite": "A number of the explanation cannot be written.",
}

IdOf = Callable[[str], str]
Library = Sequence[tuple[str, LabelDocument, Measures]]


def version_of(result: ResultDocument) -> str:
    """A name for the result that a reviewer sees; it changes with the image and with every new score."""
    image = result["image"]
    facts = (image["sha256"], image["etag"], image["version_id"], result["model"]["sha256"], result["scored_at"])
    return sha256(repr(facts).encode()).hexdigest()[:16]


def can_decide(result: ResultDocument) -> bool:
    """Whether the image can be shown, so that a person can tell the class."""
    error = result.get("error")
    return error is None or error["code"] not in _WITHOUT_PICTURE


def blind_card(identity: str, key: str, result: ResultDocument, standing: StandingLabel | None) -> dict[str, Any]:
    """A cell without anything that comes from the model, or from another person."""
    return {
        "id": identity,
        "key": key,
        "blind": True,
        "version": version_of(result),
        "etag": standing.etag if standing else None,
        "can_decide": can_decide(result),
        "size": [result["image"]["width"], result["image"]["height"]],
    }


def full_card(
    identity: str,
    key: str,
    result: ResultDocument,
    standing: StandingLabel | None,
    view: ModelView,
    library: Library,
    id_of: IdOf,
) -> dict[str, Any]:
    """A cell with all that is known of it; ``library`` are the labelled cells to compare it with."""
    thresholds = view.thresholds_of(result["model"])
    document = standing.document if standing else None
    return blind_card(identity, key, result, standing) | {
        "blind": False,
        "audit": labels.queue_of(result["review"]["reasons"]) == "audit",
        "reasons": reasons_in_words(result, thresholds),
        "decision": result["decision"],
        "rejected": result["status"] == "rejected",
        "probability": result["prediction"]["probability_all"] if result["prediction"] else None,
        "thresholds": [thresholds.normal_below, thresholds.all_from] if thresholds else None,
        "model": result["model"],
        "scored_at": result["scored_at"],
        "explanation": _explanation(result),
        "unexplained": _MISSING.get(
            result.get("explanation_missing") or "", "The result holds no map of the evidence."
        ),
        "novelty": _novelty(result, thresholds),
        "morphology": _morphology(result, view.ranges_of(result["model"]["sha256"])),
        "nearest": _nearest(key, result, library, id_of),
        "labels": label_facts(document, result) if document else None,
    }


def label_facts(document: LabelDocument, result: ResultDocument) -> dict[str, Any]:
    """The standing label and the history, with ``older`` for answers to another version of the image."""
    return {
        "disagree": disagree(document),
        "standing": _facts(document, result) if document["label"] else None,
        "history": [_facts(past, result) for past in document["history"]],
    }


def disagree(document: LabelDocument) -> bool:
    """Whether a second answer contradicts the label that stands, and nobody who saw both has answered since."""
    if document["label"] is None:
        return False
    seconds = [one for one in labels.answers_of(document).values() if one.get("outcome") == "second"]
    return any(
        one["label"] != document["label"]
        and not any(later["labelled_at"] > one["labelled_at"] for later in (document, *_withdrawn(document)))
        for one in seconds
    )


def _withdrawn(document: LabelDocument) -> list[PastEntry]:
    return [past for past in document["history"] if past["outcome"] == "withdrawn"]


def _facts(entry: LabelDocument | PastEntry, result: ResultDocument) -> dict[str, Any]:
    facts: dict[str, Any] = {name: value for name, value in entry.items() if name in _SHOWN}
    older_model = entry["model"]["sha256"] not in ("", result["model"]["sha256"])
    same = labels.is_same_image(entry["image"], result["image"])
    return facts | {"older": not same, "older_model": older_model}


def _explanation(result: ResultDocument) -> dict[str, Any] | None:
    """The map and the terms that add up to the logit; None if the result holds none in this shape."""
    explanation: Any = result["explanation"]
    try:
        found = explanation["map"]
        values = [[float(value) for value in row] for row in found["values"]]
        if not values or len({len(row) for row in values}) != 1:
            return None
        place = {name: float(found[name]) for name in ("top", "left", "side_px")}
        return {
            "map": {"values": values, **place},
            "logit": float(explanation["logit"]),
            "baseline": float(explanation["baseline_logit"]),
            "map_sum": sum(map(sum, values)),
            "for": sum(value for row in values for value in row if value > 0),
            "against": sum(value for row in values for value in row if value < 0),
            "other": {str(name): float(value) for name, value in (explanation.get("other") or {}).items()},
            "residual": float(explanation.get("residual") or 0),
        }
    except (TypeError, KeyError, ValueError, AttributeError):
        return None


def _novelty(result: ResultDocument, thresholds: Thresholds | None) -> dict[str, Any] | None:
    """The distance to the most similar cell that the model stores, and the limit; None if the result holds none."""
    explanation: Any = result["explanation"]
    found = explanation.get("nearest") if isinstance(explanation, Mapping) else None
    if not isinstance(found, Mapping):
        return None
    limit = thresholds.unlike_above if thresholds and math.isfinite(thresholds.unlike_above) else None
    return {name: found.get(name) for name in ("stored_cell", "distance", "colour_distance")} | {"limit": limit}


def _morphology(result: ResultDocument, ranges: ClassRanges | None) -> dict[str, Any] | None:
    """Features in words, measures beside the quantiles of both classes, and places on the image."""
    morphology = result["morphology"]
    found, absent = comparison.measures(morphology), comparison.unmeasured(morphology)
    if morphology is None or not found:
        return None
    spread = {label: ranges.quantiles[label] for label in LABELS} if ranges else {}
    spots, vacuoles = morphology["pale_spots"], morphology["vacuoles"]
    return {
        "features": list(features_seen(morphology, ranges)),
        "measured": [
            {
                **{"name": name, "what": QUANTITIES[name], "value": value},
                "ranges": {label: list(of_class[name]) for label, of_class in spread.items() if name in of_class},
            }
            for name, value in found.items()
        ],
        "absent": [
            {"name": name, "what": QUANTITIES[name], "why": why.replace("_", " ")} for name, why in absent.items()
        ],
        "shares": [ranges.shares[0], ranges.shares[-1]] if ranges else None,
        "places": {
            "clefts": [[place["x"], place["y"]] for place in morphology["clefts"]["places"]],
            "pale_spots": [[place["x"], place["y"], place["area_px"]] for place in (spots["places"] if spots else [])],
            "vacuoles": [
                [place["x"], place["y"], place["area_px"]] for place in (vacuoles["places"] if vacuoles else [])
            ],
        },
    }


def _nearest(key: str, result: ResultDocument, library: Library, id_of: IdOf) -> dict[str, Any]:
    found = comparison.measures(result["morphology"])
    neighbours = comparison.nearest(found, library, key)
    return {
        "measured": bool(found),
        "library": len(library),
        **{
            label: [
                {"id": id_of(one.key), "key": one.key, "reviewer": one.document["reviewer"], "distance": one.distance}
                for one in ones
            ]
            for label, ones in neighbours.items()
        },
    }
