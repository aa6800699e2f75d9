"""The metrics that alarms and dashboard read: the function's own metrics, and shares computed from them."""

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch

from lambda_fn import metric_names


class FunctionMetrics:
    """The metrics that the function reports for one deployment and one model, or one version of the function."""

    def __init__(
        self, service: str, *, model: str | None = None, version: str | None = None, thresholds: str | None = None
    ) -> None:
        """Take the name of the deployment as ``service``, and either the ``version`` or the version of the ``model``.

        By ``version`` the function counts only images and failed messages, and only of batches from the queue. The
        state of a promise is one of a model and its ``thresholds``.
        """
        dimensions = {
            metric_names.SERVICE_DIMENSION: service,
            metric_names.MODEL_DIMENSION: model,
            metric_names.VERSION_DIMENSION: version,
            metric_names.THRESHOLDS_DIMENSION: thresholds,
        }
        self._dimensions = {name: value for name, value in dimensions.items() if value is not None}

    def count(self, name: str, period: Duration, statistic: str = "Sum", *, labelled: bool = True) -> cloudwatch.Metric:
        """The metric of this name in ``lambda_fn.metric_names``, Sum or another ``statistic`` of each period.

        An alarm on one metric needs it not ``labelled``: the CDK makes an expression of a label, which the local cloud
        refuses.
        """
        return cloudwatch.Metric(
            namespace=metric_names.NAMESPACE,
            metric_name=name,
            dimensions_map=self._dimensions,
            statistic=statistic,
            period=period,
            label=name if labelled else None,
        )

    def percent_of_images(self, name: str, period: Duration, least: int, otherwise: float) -> cloudwatch.MathExpression:
        """The metric ``name`` in percent of all images; ``otherwise`` in a period with fewer than ``least`` images."""
        return cloudwatch.MathExpression(
            expression=f"IF(FILL(images, 0) >= {least}, 100 * part / images, {otherwise})",
            using_metrics={"part": self.count(name, period), "images": self.count(metric_names.IMAGES, period)},
            period=period,
            label=f"{name}, percent of images",
        )

    def percent_failed(self, period: Duration, least: int) -> cloudwatch.MathExpression:
        """Messages that went back to the queue, in percent; 0 in a period with fewer than ``least`` messages.

        Messages are counted by images, because a notification of S3 names one image.
        """
        return cloudwatch.MathExpression(
            expression=f"IF(FILL(images, 0) + failed >= {least}, 100 * failed / (FILL(images, 0) + failed), 0)",
            using_metrics={
                "failed": self.count(metric_names.MESSAGES_FAILED, period),
                "images": self.count(metric_names.IMAGES, period),
            },
            period=period,
            label="Failed, percent of messages",
        )
