"""The CloudWatch dashboard of a deployment: results, errors, load and cost."""

from collections.abc import Sequence

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from infra import prices
from infra.settings.configuration import Configuration
from infra.stack.metrics import FunctionMetrics
from infra.stack.scoring import Scoring
from lambda_fn import metric_names
from lambda_fn.manifest import Manifest

_PERIOD = Duration.minutes(5)


def add_dashboard(
    scope: Construct, configuration: Configuration, scoring: Scoring, metrics: FunctionMetrics, model: Manifest
) -> None:
    """Add the dashboard to ``scope``. Dashboards belong to no region, so its name holds the stack and the region."""
    stack = Stack.of(scope)
    cloudwatch.Dashboard(
        scope,
        "Dashboard",
        dashboard_name=f"{stack.stack_name}-{stack.region}",
        widgets=[
            _images(stack.stack_name, metrics),
            _quality(scoring, metrics, model),
            _load(configuration, scoring, metrics),
        ],
    )


def _images(service: str, metrics: FunctionMetrics) -> list[cloudwatch.IWidget]:
    """Graphs of decisions, of models, and of the time from upload to result."""
    dimensions = f"{{{metric_names.NAMESPACE},{metric_names.MODEL_DIMENSION},{metric_names.SERVICE_DIMENSION}}}"
    of_service = f'{metric_names.SERVICE_DIMENSION}="{service}"'
    every_model = f'{dimensions} MetricName="{metric_names.IMAGES}" {of_service}'
    by_model = cloudwatch.MathExpression(
        expression=f"SEARCH('{every_model}', 'Sum', {_PERIOD.to_seconds():.0f})", label="", period=_PERIOD
    )
    by_decision = [metrics.count(name, _PERIOD) for name in metric_names.OF_DECISION.values()]
    latency = [
        metrics.count(metric_names.UPLOAD_TO_RESULT, _PERIOD, statistic) for statistic in ("p50", "p95", "Maximum")
    ]
    return [
        _graph("Images by decision", by_decision, stacked=True),
        _graph("Images by model", [by_model], stacked=True),
        _graph("Seconds from upload to result, the slowest of each batch", latency),
    ]


def _quality(scoring: Scoring, metrics: FunctionMetrics, model: Manifest) -> list[cloudwatch.IWidget]:
    """Graphs of the share that goes to review, of rejected images, and of errors."""
    review = 100 * model.achieved_shares().review_share
    expected = cloudwatch.HorizontalAnnotation(value=round(review, 1), label="the model card's share")
    share = metrics.percent_of_images(metric_names.REVIEW, Duration.hours(1), least=1, otherwise=0)
    errors = [
        scoring.live.metric_errors(period=_PERIOD, statistic="Sum"),
        scoring.function.metric_throttles(period=_PERIOD, statistic="Sum"),
        metrics.count(metric_names.MESSAGES_FAILED, _PERIOD),
    ]
    return [
        _graph("Percent to review", [share], expected=expected),
        _graph("Rejected", [metrics.count(metric_names.REJECTED, _PERIOD)]),
        _graph("Errors, throttles, failed messages", errors),
    ]


def _load(configuration: Configuration, scoring: Scoring, metrics: FunctionMetrics) -> list[cloudwatch.IWidget]:
    """Graphs of waiting messages and of the cost."""
    age = scoring.queue.metric_approximate_age_of_oldest_message(period=_PERIOD, statistic="Maximum")
    waiting = [
        queue.metric_approximate_number_of_messages_visible(period=_PERIOD, statistic="Maximum", label=label)
        for queue, label in ((scoring.queue, "waiting"), (scoring.dead_letters, "dead letters"))
    ]
    cost = hourly_cost(configuration, scoring, metrics)
    return [
        _graph("Age of the oldest message, seconds", [age]),
        _graph("Messages", waiting),
        _graph(f"USD an hour, an estimate at list prices of {prices.PRICES_AS_OF}", [cost]),
    ]


def hourly_cost(configuration: Configuration, scoring: Scoring, metrics: FunctionMetrics) -> cloudwatch.MathExpression:
    """The cost of scoring in USD an hour: computing, and requests to S3 and SQS; storage and logs are left out.

    Each image costs a message, one read and one written result; messages are received and deleted in batches. A review
    or an audit adds a flag, which is read and written. A call of the function adds one file to the ledger. The metric
    ``duration`` is in milliseconds.
    """
    hour = Duration.hours(1)
    million = 1_000_000  # expressions of CloudWatch have no 1e-6
    message = (1 + 2 / prices.SQS_MESSAGES_A_REQUEST) * prices.SQS_REQUEST
    image = million * (prices.S3_READ_REQUEST + prices.S3_WRITE_REQUEST + message)
    flag = million * (prices.S3_READ_REQUEST + prices.S3_WRITE_REQUEST)
    audits = configuration.audit_share * flag
    call = million * (prices.S3_WRITE_REQUEST + prices.LAMBDA_REQUEST)
    millisecond = million * prices.lambda_cost(0.001, configuration.memory_mb, "arm64")
    return cloudwatch.MathExpression(
        expression=f"(FILL(images, 0) * {image + audits:.3f} + FILL(review, 0) * {flag - audits:.3f} "
        f"+ FILL(calls, 0) * {call:.3f} + FILL(duration, 0) * {millisecond:.6f}) / {million}",
        using_metrics={
            "images": metrics.count(metric_names.IMAGES, hour),
            "review": metrics.count(metric_names.REVIEW, hour),
            "calls": scoring.function.metric_invocations(period=hour, statistic="Sum"),
            "duration": scoring.function.metric_duration(period=hour, statistic="Sum"),
        },
        period=hour,
        label="USD an hour",
    )


def _graph(
    title: str,
    metrics: Sequence[cloudwatch.IMetric],
    *,
    stacked: bool = False,
    expected: cloudwatch.HorizontalAnnotation | None = None,
) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(
        title=title,
        left=list(metrics),
        left_annotations=[expected] if expected else [],
        left_y_axis=cloudwatch.YAxisProps(min=0, show_units=False),
        stacked=stacked,
        width=8,
    )
