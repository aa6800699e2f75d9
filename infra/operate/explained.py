"""An image with its explained document: from a file, which is scored here, or from a deployment."""

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import cast

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
from lambda_fn.manifest import Manifest
from lambda_fn.model import Model
from lambda_fn.own_thresholds import policy_of
from lambda_fn.results import ExplanationMissing, ResultDocument
from lambda_fn.scoring import score
from lambda_fn.stores import read_from_folder
from lambda_fn.terminal import printable

# Why a score is not explained.
UNEXPLAINED: dict[ExplanationMissing | None, str] = {
    "not_in_model": "its model has no outputs that explain it",
    "empty_square": "no part of the cell lies in the square that the model sees",
    "not_finite": "a number of it cannot be written",
}


@dataclass(frozen=True)
class ExplainedImage:
    """An image and its document, which has an explanation with a map unless ``ResultExplainer`` found none.

    Attributes:
        pixels: the upright image, uint8 of shape (height, width, 3).
        mask: the cell, boolean of shape (height, width).
        document: the result.
    """

    pixels: NDArray[np.uint8]
    mask: NDArray[np.bool_]
    document: ResultDocument


def explain_file(path: Path, folder: Path | None = None, thresholds: Path | None = None) -> ExplainedImage:
    """Score and explain an image file with the model of this package.

    Args:
        path: the file.
        folder: of another model; None for the one that is served.
        thresholds: file of ``cellflag recalibrate``; None for the model's own thresholds.

    Raises:
        InfraError: there is no explanation; the message says why.
        SettingsError: the thresholds cannot be used.
        OSError: the file cannot be read.
    """
    model = Model(folder) if folder else Model()
    policy = policy_of(thresholds, model.manifest, explain="all")
    return _explain(model, read_from_folder(path.parent, path, model.manifest.limits), policy)


def explain_object(stack: DeployedStack, key: str) -> ExplainedImage:
    """Read an image of a deployment, in the version of its result, and that result.

    A result without an explanation is explained here, if the model of this package gave it. Its decision stays, which
    the deployment's thresholds made.

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
        explained = _explain(model, image, Policy(model.manifest.thresholds, explain="all"))
        parts = {name: explained.document[name] for name in ("explanation", "explanation_missing", "morphology")}
        return replace(explained, document=cast(ResultDocument, {**document, **parts}))
    pixels = decode(data).pixels
    return ExplainedImage(pixels, find_cell(pixels).mask, document)


class ResultExplainer:
    """Shows results with their images, and explains scores of the model of this package that have no explanation."""

    def __init__(self) -> None:
        """Read the manifest. The model itself is read when a score has to be explained.

        Raises:
            ModelError: the manifest cannot be read.
        """
        self._manifest = Manifest.read()

    @cached_property
    def _model(self) -> Model:
        return Model()

    def show(self, document: ResultDocument, data: bytes) -> ExplainedImage:
        """Decode the image of a scored result.

        Args:
            document: the result.
            data: the image's file.

        Returns:
            The image and the document. The document lacks an explanation if its model is not here or explains nothing.

        Raises:
            InfraError: the file is another one than was scored, or cannot be decoded.
        """
        facts = document["image"]
        if facts["sha256"] and hashlib.sha256(data).hexdigest() != facts["sha256"]:
            raise InfraError("the image has changed since it was scored.")
        try:
            pixels = decode(data, self._manifest.limits).pixels
            mask = find_cell(pixels).mask
        except RejectedImageError as error:
            raise InfraError(error.message) from error
        here = self._manifest.explanation is not None and document["model"]["sha256"] == self._manifest.sha256
        if here and document["explanation"] is None:
            image = StoredImage(
                facts["bucket"], facts["key"], facts["version_id"], facts["etag"], "", len(data), data, read_ms=0.0
            )
            explained = score(self._model, image, Policy(self._manifest.thresholds, explain="all"))
            document = {**document, "explanation": explained["explanation"]}
        return ExplainedImage(pixels, mask, document)


def _explain(model: Model, image: StoredImage, policy: Policy) -> ExplainedImage:
    document = score(model, image, policy)
    name = printable(image.key)
    if "error" in document:
        raise InfraError(f"{name} cannot be scored: {document['error']['message']}")
    if document["explanation"] is None:
        raise InfraError(f"{name} has no explanation: {UNEXPLAINED[document['explanation_missing']]}.")
    try:
        pixels = decode(image.data, model.manifest.limits).pixels
        return ExplainedImage(pixels, find_cell(pixels).mask, document)
    except RejectedImageError as error:  # pragma: no cover - it was scored a moment ago
        raise InfraError(f"{name} cannot be read again: {error.message}") from error
