"""Whether the promised error rates hold, as far as the results and labels of a place show it."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, Final

from infra.deployed_stack import PARALLEL_READS
from infra.errors import InfraError
from infra.operate.parallel import in_parallel
from infra.promise.evidence import gather
from infra.review.answering import UnsavedAnswerError, read_label, read_result
from infra.review.places import Documents
from infra.review.policy import ModelView
from lambda_fn.keys import LABELS, RESULTS, image_key
from lambda_fn.labels import LabelDocument
from lambda_fn.promises import judge
from lambda_fn.results import ResultDocument

# To read more results takes longer than a person waits for a page.
MOST_RESULTS: Final = 20_000


class CannotCheckError(InfraError):
    """The promised rates cannot be checked on the page; the message says why."""


def check_promise(documents: Documents, view: ModelView) -> dict[str, Any]:
    """The state of each promised rate, and the number of audits behind it.

    Raises:
        CannotCheckError: there are too many results, or none of the model whose promises are known.
        ClientError, OSError: the place refuses or fails.
    """
    keys = [entry.key for entry in documents.list_documents(RESULTS) if entry.key.endswith(".json")]
    if len(keys) > MOST_RESULTS:
        raise CannotCheckError(f"There are {len(keys):,} results: run `cellflag promise` in the terminal.")
    found = gather(_results(documents, keys), _labels(documents))
    if not found or found[0].model["sha256"] != view.manifest.sha256 or not view.promised:
        raise CannotCheckError("The newest results are of no model whose promised rates are known here.")
    judgements = {name: judge(found[0].of_class(name), rate) for name, rate in view.promised.items()}
    rates = [{"name": name} | asdict(judgement) for name, judgement in judgements.items()]
    return {"rates": rates, "audits": len(found[0].audits)}


def _results(documents: Documents, keys: list[str]) -> Iterator[ResultDocument]:
    for stored in in_parallel(documents.read, keys, PARALLEL_READS):
        if stored and (result := read_result(stored)):
            yield result


def _labels(documents: Documents) -> dict[str, LabelDocument]:
    def read(key: str) -> tuple[str, LabelDocument | None]:
        try:
            standing = read_label(documents, key)
        except UnsavedAnswerError:  # an object of others that is no label
            return key, None
        return key, standing.document if standing else None

    keys = (image_key(entry.key) for entry in documents.list_documents(LABELS) if entry.key.endswith(".json"))
    return {key: document for key, document in in_parallel(read, keys, PARALLEL_READS) if document}
