"""The results of a demonstration on the terminal."""

from collections import Counter
from statistics import median, quantiles

from rich.table import Table
from rich.text import Text

from infra.demo.uploads import TimedResult

# Most rows of the table.
MOST_ROWS = 40
# The colour of each decision.
STYLES = {"ALL": "bold red", "normal": "green", "review": "yellow", "rejected": "magenta"}


def table(results: dict[str, TimedResult]) -> Table:
    """A table with a row for each image, in the given order, up to ``MOST_ROWS`` rows."""
    rows = Table(box=None, header_style="bold", pad_edge=False)
    rows.add_column("image", overflow="fold", ratio=1)
    rows.add_column("P(ALL)", justify="right", no_wrap=True)
    rows.add_column("decision", no_wrap=True)
    rows.add_column("why a person should look", overflow="fold")
    rows.add_column("seconds", justify="right", no_wrap=True)
    for key, timed in list(results.items())[:MOST_ROWS]:
        prediction = timed.document["prediction"]
        reasons = ", ".join(reason.replace("_", " ") for reason in timed.document["review"]["reasons"])
        rows.add_row(
            Text(key),
            f"{prediction['probability_all']:.3f}" if prediction else "-",
            Text(timed.outcome, STYLES[timed.outcome]),
            Text(reasons),
            f"{timed.seconds:.1f}",
        )
    return rows


def summary(results: dict[str, TimedResult]) -> tuple[str, str]:
    """Two sentences: the number of images by decision, and the time from upload to result.

    Args:
        results: at least one result.
    """
    counts = Counter(timed.outcome for timed in results.values())
    seconds = [timed.seconds for timed in results.values()]
    return (
        f"{len(results)} images: {counts['ALL']} ALL, {counts['normal']} normal, {counts['review']} to review, "
        f"{counts['rejected']} rejected.",
        f"From upload to result: median {median(seconds):.1f} s, 95th percentile {percentile_95(seconds):.1f} s.",
    )


def percentile_95(seconds: list[float]) -> float:
    """The 95th percentile of at least one value, interpolated between the two nearest values."""
    return quantiles(seconds, n=20, method="inclusive")[-1] if len(seconds) > 1 else seconds[0]
