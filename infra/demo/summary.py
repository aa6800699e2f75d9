"""What a demonstration found, for the terminal."""

from collections import Counter
from statistics import median

from rich.table import Table
from rich.text import Text

from infra.demo.cells import Answer, percentile_95

MOST_ROWS = 40
STYLES = {"ALL": "bold red", "normal": "green", "review": "yellow", "rejected": "magenta"}


def table(answers: dict[str, Answer]) -> Table:
    """One row an image, in the given order; at most MOST_ROWS of them."""
    result = Table(box=None, header_style="bold", pad_edge=False)
    result.add_column("image", overflow="fold", ratio=1)
    result.add_column("P(ALL)", justify="right", no_wrap=True)
    result.add_column("decision", no_wrap=True)
    result.add_column("why a person should look", overflow="fold")
    result.add_column("seconds", justify="right", no_wrap=True)
    for key, answer in list(answers.items())[:MOST_ROWS]:
        prediction = answer.document["prediction"]
        reasons = ", ".join(reason.replace("_", " ") for reason in answer.document["review"]["reasons"])
        result.add_row(
            Text(key),
            f"{prediction['probability_all']:.3f}" if prediction else "-",
            Text(answer.outcome, STYLES[answer.outcome]),
            Text(reasons),
            f"{answer.seconds:.1f}",
        )
    return result


def summary(answers: dict[str, Answer]) -> tuple[str, str]:
    """Images by outcome, and the time from upload to result; `answers` must not be empty."""
    counts = Counter(answer.outcome for answer in answers.values())
    seconds = [answer.seconds for answer in answers.values()]
    return (
        f"{len(answers)} images: {counts['ALL']} ALL, {counts['normal']} normal, {counts['review']} to review, "
        f"{counts['rejected']} rejected.",
        f"From upload to result: median {median(seconds):.1f} s, 95th percentile {percentile_95(seconds):.1f} s.",
    )
