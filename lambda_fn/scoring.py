"""Score one image: from its bytes to its result document. The function and ``cellflag score`` share these steps."""

import hashlib
from time import perf_counter

from lambda_fn import images, morphology, results
from lambda_fn.cells import Cell, find_cell, square_around, to_model_input
from lambda_fn.decisions import Policy, decide
from lambda_fn.errors import RejectedImageError
from lambda_fn.images import StoredImage
from lambda_fn.model import Activations, Model
from lambda_fn.preprocessing import Preprocessing
from lambda_fn.results import (
    ExplanationFacts,
    ExplanationMissing,
    ImageFacts,
    ModelFacts,
    ResultDocument,
    Timing,
)
from lambda_fn.scale import fit_scale


def score(model: Model, image: StoredImage, policy: Policy | None = None) -> ResultDocument:
    """Score an image and decide on it.

    Args:
        model: the model.
        image: the image file.
        policy: the rules of the decision, and which images are explained; None takes the thresholds of the model's
            manifest, and explains images that ask for review.

    Returns:
        The result document, ``rejected`` if the image cannot be scored. Its ``decode`` time includes the time to find
        the cell, cut it out and resize it. A cell that a person should look at is measured.
    """
    facts: ImageFacts = {
        "bucket": image.bucket,
        "key": image.key,
        "version_id": image.version_id,
        "etag": image.etag,
        "sha256": hashlib.sha256(image.data).hexdigest() if len(image.data) == image.byte_count else None,
        "bytes": image.byte_count,
        "format": None,
        "width": None,
        "height": None,
    }
    policy = policy or Policy(model.manifest.thresholds)
    identity: ModelFacts = {
        "version": model.manifest.version,
        "sha256": model.manifest.sha256,
        "thresholds": policy.thresholds_name,
    }
    timing_ms: Timing = {"read": round(image.read_ms, 2), "decode": None, "infer": None, "explain": None}
    started = perf_counter()
    try:
        images.check_byte_count(image.byte_count, model.manifest.limits)
        decoded = images.decode(image.data, model.manifest.limits)
        facts["format"], facts["width"], facts["height"] = decoded.format, decoded.width, decoded.height
        cell = find_cell(decoded.pixels, model.manifest.preprocessing.background)
    except RejectedImageError as rejection:
        return results.rejected(facts, rejection, identity, timing_ms)
    um_per_px = policy.um_per_px or decoded.um_per_px
    scaling = fit_scale(model.manifest.preprocessing, um_per_px)
    if scaling.resampled_by:
        facts["resampled_by"] = round(scaling.resampled_by, 4)
    pixels = to_model_input(cell, scaling.preprocessing)
    decoded_at = perf_counter()
    activations: Activations | None = None
    if policy.explain == "none" or not model.explains:
        prediction = model.predict(pixels)
    else:
        prediction, activations = model.predict_with_activations(pixels)
    timing_ms["decode"] = round((decoded_at - started) * 1000, 2)
    timing_ms["infer"] = round((perf_counter() - decoded_at) * 1000, 2)
    if not prediction.is_score:
        no_score = RejectedImageError("no_score", "The model's output for this image is no probability.")
        return results.rejected(facts, no_score, identity, timing_ms)
    doubts = tuple(dict.fromkeys(decoded.doubts + cell.doubts + scaling.doubts))
    verdict = decide(prediction, policy, doubts, sha256=facts["sha256"])
    document = results.scored(facts, verdict, prediction.probability_all, identity, timing_ms)
    if policy.explains(document["review"]["required"]):
        inferred_at = perf_counter()
        _explain(document, model, activations, cell, scaling.preprocessing)
        document["morphology"] = morphology.measure(cell.pixels, cell.mask, um_per_px, cell.nucleus)
        timing_ms["explain"] = round((perf_counter() - inferred_at) * 1000, 2)
    return document


def _explain(
    document: ResultDocument,
    model: Model,
    activations: Activations | None,
    cell: Cell,
    preprocessing: Preprocessing,
) -> None:
    """Add to a document what a person needs who looks at the cell; each quantity has its own module."""
    facts: ExplanationFacts | ExplanationMissing = "not_in_model"
    if activations:
        facts = model.explain(activations, square_around(cell, preprocessing), preprocessing.crop)
    if isinstance(facts, str):
        document["explanation_missing"] = facts
    else:
        document["explanation"], document["explanation_missing"] = facts, None
