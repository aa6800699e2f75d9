"""The reasons of a flag in words."""

from collections.abc import Iterable

from lambda_fn.decisions import Thresholds
from lambda_fn.results import ResultDocument

DRAWN = "Drawn by chance among the decided cells, to check the promised error rates."
_SENTENCES = {
    "unlike_training_data": "The cell or its image is unlike those that the model was trained on.",
    "no_single_cell": "The image does not show exactly one whole cell: there are several, or the edge cuts it.",
    "unreadable": "The file is damaged.",
    "too_large": "The file or the image is too large.",
    "unsupported_format": "The file is in no format that is scored.",
    "no_score": "The model's output is no probability.",
    "audit": DRAWN,
}
_EVERYTHING = "This deployment sends every cell to a person."


def reasons_in_words(result: ResultDocument, thresholds: Thresholds | None) -> list[str]:
    """A sentence for each reason why a person should look.

    Args:
        result: the result.
        thresholds: those that decided; None if they are not known.
    """
    error = result.get("error")
    sentences = [_sentence(reason, result, thresholds) for reason in result["review"]["reasons"]]
    if error:
        return [error["message"], *(sentence for sentence in sentences[1:])]
    return sentences or ([_EVERYTHING] if result["review"]["required"] else [])


def short(reasons: Iterable[str]) -> str:
    """The reasons as they stand in a list of cells."""
    return ", ".join(reason.replace("_", " ") for reason in reasons)


def _sentence(reason: str, result: ResultDocument, thresholds: Thresholds | None) -> str:
    prediction = result["prediction"]
    if reason == "uncertain" and prediction:
        value = prediction["probability_all"]
        if thresholds is None:
            return f"The probability of ALL, {value:.2f}, lies between the thresholds of the model: it is not sure."
        low, high = thresholds.normal_below, thresholds.all_from
        # As many digits as show that the probability is no threshold.
        digits = next((n for n in (2, 3, 4) if len({f"{number:.{n}f}" for number in (low, value, high)}) == 3), 5)
        ends = f"{low:.{digits}f} and {high:.{digits}f}"
        return f"The probability of ALL, {value:.{digits}f}, lies between {ends}: the model is not sure."
    return _SENTENCES.get(reason, reason.replace("_", " ").capitalize() + ".")
