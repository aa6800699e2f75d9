"""An image with its explained document: from a file, which is scored here, or from a deployment."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from infra.deployed_stack import DeployedStack
from infra.errors import InfraError
from infra.tools.objects import read_json, read_version
from lambda_fn.cells import find_cell
from lambda_fn.decisions import Policy
from lambda_fn.errors import RejectedImageError
from lambda_fn.images import StoredImage, decode
from lambda_fn.keys import result_key
from lambda_fn.model import Model
from lambda_fn.results import ExplanationMissing, ResultDocument
from lambda_fn.scoring import score
from lambda_fn.stores import read_from_folder
from lambda_fn.terminal import printable

_REASONS: dict[ExplanationMissing | None, str] = {
    "not_in_model": "its model has no outputs that explain it",
    "empty_square": "no part of the cell lies in the square that the model sees",
    "not_finite": "a number of it cannot be written",
}


@dataclass(frozen=True)
class ExplainedImage:
    """An image and its document, which has an explanation with a map.

    Attributes:
        pixels: the upright image, uint8 of shape (height, width, 3).
        mask: the cell, boolean of shape (height, width).
        document: the result.
    """

    pixels: NDArray[np.uint8]
    mask: NDArray[np.bool_]
    document: ResultDocument


def explain_file(path: Path, folder: Path | None = None) -> ExplainedImage:
    """Score and explain an image file with the model of this package.

    Args:
        path: the file.
        folder: of another model; None for the one that is served.

    Raises:
        InfraError: there is no explanation; the message says why.
        OSError: the file cannot be read.
    """
    model = Model(folder) if folder else Model()
    return _explain(model, read_from_folder(path.parent, path, model.manifest.limits))


def explain_object(stack: DeployedStack, key: str) -> ExplainedImage:
    """Read an image of a deployment, in the version of its result, and that result.

    A result without an explanation is explained here, if the model of this package gave it.

    Raises:
        InfraError: there is no such result, or no explanation; the message says why.
        ClientError: S3 refuses or fails.
    """
    name = printable(key)
    try:
        document: ResultDocument = read_json(stack.s3, stack.results, result_key(key))
    except (stack.s3.exceptions.NoSuchKey, ValueError):
        raise InfraError(f"{name} is no file here, and no image with a result in {stack.name}.") from None
    version = document["image"]["version_id"]
    try:
        data = read_version(stack.s3, stack.images, key, version)
    except stack.s3.exceptions.NoSuchKey:
        raise InfraError(f"{name} has a result, but the image is gone.") from None
    if "map" not in (document["explanation"] or {}):
        model = Model()
        if document["status"] == "scored" and document["model"]["sha256"] != model.manifest.sha256:
            raise InfraError(
                f"{name} has no explanation, and was scored by {document['model']['version']}, which is not here: "
                "deploy with `-c explain=all`, and score it again."
            )
        image = StoredImage(stack.images, key, version, document["image"]["etag"], "", len(data), data, 0.0)
        return _explain(model, image)
    pixels = decode(data).pixels
    return ExplainedImage(pixels, find_cell(pixels).mask, document)


def _explain(model: Model, image: StoredImage) -> ExplainedImage:
    document = score(model, image, Policy(model.manifest.thresholds, explain="all"))
    name = printable(image.key)
    if "error" in document:
        raise InfraError(f"{name} cannot be scored: {document['error']['message']}")
    if document["explanation"] is None:
        raise InfraError(f"{name} has no explanation: {_REASONS[document['explanation_missing']]}.")
    try:
        pixels = decode(image.data, model.manifest.limits).pixels
        return ExplainedImage(pixels, find_cell(pixels).mask, document)
    except RejectedImageError as error:  # pragma: no cover - it was scored a moment ago
        raise InfraError(f"{name} cannot be read again: {error.message}") from error
