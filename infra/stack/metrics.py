"""The metrics that alarms and dashboard read: the function's own, by deployment and model, and shares of them."""

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch

from lambda_fn import metric_names


class ModelMetrics:
    """What `lambda_fn/reporting.py` counts for one model of one deployment."""

    def __init__(self, service: str, model: str) -> None:
        """Of the deployment `service` and the model's version."""
        self._dimensions = {metric_names.SERVICE_DIMENSION: service, metric_names.MODEL_DIMENSION: model}

    def count(self, name: str, period: Duration, statistic: str = "Sum") -> cloudwatch.Metric:
        """One metric by its name in ``lambda_fn.metric_names``."""
        return cloudwatch.Metric(
            namespace=metric_names.NAMESPACE,
            metric_name=name,
            dimensions_map=self._dimensions,
            statistic=statistic,
            period=period,
            label=name,
        )

    def percent_of_images(self, name: str, period: Duration, least: int, otherwise: float) -> cloudwatch.MathExpression:
        """What percentage of all images `name` counts; `otherwise` while fewer than `least` images came in a period."""
        return cloudwatch.MathExpression(
            expression=f"IF(FILL(images, 0) >= {least}, 100 * part / images, {otherwise})",
            using_metrics={"part": self.count(name, period), "images": self.count(metric_names.IMAGES, period)},
            period=period,
            label=f"{name}, percent of images",
        )

    def percent_failed(self, period: Duration, least: int) -> cloudwatch.MathExpression:
        """What percentage of messages went back to the queue; 0 while fewer than `least` came in a period.

        An image stands for a message: notifications of S3 name one image each.
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
