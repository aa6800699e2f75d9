"""The state of the promised error rates of a deployment, as two metrics of CloudWatch hold it.

To judge takes a look at every result, so an alarm and ``cellflag status`` read what the last judgement found.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from infra.deployed_stack import DeployedStack
from infra.operate.documents import Selection, read_documents
from infra.promise.evidence import Evidence, gather
from infra.promise.labels_read import read_labels
from infra.promise.promised import promised_rates
from lambda_fn import metric_names
from lambda_fn.manifest import ERROR_RATES, Manifest
from lambda_fn.promises import Judgement, judge
from lambda_fn.results import ModelFacts

if TYPE_CHECKING:
    from types_boto3_cloudwatch.type_defs import DimensionTypeDef

# A state that is older than this is not worth a line.
LASTS: Final = timedelta(days=30)
_PERIOD: Final = timedelta(hours=1)


@dataclass(frozen=True)
class PromiseCounts:
    """The result of the last judgement.

    Attributes:
        broken: number of promised rates that are broken.
        held: number of those that hold. Of the others, it cannot be said yet.
        judged_at: when it was judged, to the hour.
    """

    broken: int
    held: int
    judged_at: datetime

    @property
    def words(self) -> str:
        """The counts in words."""
        rest = len(ERROR_RATES) - self.broken - self.held
        counts = {"broken": self.broken, "held": self.held, "cannot be said yet": rest}
        return ", ".join(f"{count} {state}" for state, count in counts.items() if count)


def judge_deployment(stack: DeployedStack) -> PromiseCounts | None:
    """Judge all results of a deployment that are of this package's model, and report what was found.

    While a new version gets a part of the batches, two models write results; those of the other one do not count.

    Returns:
        The counts; None if the model scored no cell.

    Raises:
        InfraError: the manifest of the model states no rates.
        BotoCoreError, ClientError: AWS refuses or fails.
    """
    found = gather(read_documents(stack, Selection()), read_labels(stack, "", lambda key: None))
    evidence = _of_this_model(found)
    if evidence is None:
        return None
    rates = promised_rates(evidence.model, stack)
    judgements = [judge(evidence.of_class(name), rates[name]) for name in ERROR_RATES if name in rates]
    return report_state(stack, evidence.model, judgements)


def report_state(stack: DeployedStack, model: ModelFacts, judgements: Iterable[Judgement]) -> PromiseCounts:
    """Send the metrics of a judgement of all results; the alarm of the stack reads them.

    Raises:
        BotoCoreError, ClientError: AWS refuses or fails.
    """
    verdicts = [judgement.verdict for judgement in judgements]
    counts = PromiseCounts(verdicts.count("broken"), verdicts.count("holds"), datetime.now(UTC))
    dimensions = _dimensions(stack, model["version"], model.get("thresholds", ""))
    stack.cloudwatch.put_metric_data(
        Namespace=metric_names.NAMESPACE,
        MetricData=[
            {"MetricName": name, "Dimensions": dimensions, "Value": value, "Unit": "Count"}
            for name, value in (
                (metric_names.PROMISES_BROKEN, counts.broken),
                (metric_names.PROMISES_HELD, counts.held),
            )
        ],
    )
    return counts


def last_state(stack: DeployedStack, model: str, thresholds: str, now: datetime | None = None) -> PromiseCounts | None:
    """Return the last judgement, or None if it is older than ``LASTS``.

    Args:
        stack: the deployment.
        model: version of the model that was judged.
        thresholds: name of the thresholds that decided, as results have it.
        now: the end of the time; None for this moment.

    Raises:
        BotoCoreError, ClientError: AWS refuses or fails.
    """
    end = (now or datetime.now(UTC)) + _PERIOD
    newest: dict[str, tuple[datetime, int]] = {}
    for name in (metric_names.PROMISES_BROKEN, metric_names.PROMISES_HELD):
        points = stack.cloudwatch.get_metric_statistics(
            Namespace=metric_names.NAMESPACE,
            MetricName=name,
            Dimensions=_dimensions(stack, model, thresholds),
            StartTime=end - LASTS,
            EndTime=end,
            Period=int(_PERIOD.total_seconds()),
            Statistics=["Maximum"],
        )["Datapoints"]
        if points:
            point = max(points, key=lambda one: one["Timestamp"])
            newest[name] = (point["Timestamp"], round(point["Maximum"]))
    if metric_names.PROMISES_BROKEN not in newest:
        return None
    time, broken = newest[metric_names.PROMISES_BROKEN]
    held = newest.get(metric_names.PROMISES_HELD, (time, 0))[1]
    return PromiseCounts(broken, min(held, len(ERROR_RATES) - broken), time.astimezone(UTC))


def _of_this_model(found: Iterable[Evidence]) -> Evidence | None:
    """The newest evidence of the model of this package."""
    digest = Manifest.read().sha256
    return next((evidence for evidence in found if evidence.model["sha256"] == digest), None)


def _dimensions(stack: DeployedStack, model: str, thresholds: str) -> list["DimensionTypeDef"]:
    values = {
        metric_names.SERVICE_DIMENSION: stack.name,
        metric_names.MODEL_DIMENSION: model,
        metric_names.THRESHOLDS_DIMENSION: thresholds,
    }
    return [{"Name": name, "Value": value} for name, value in values.items() if value]
