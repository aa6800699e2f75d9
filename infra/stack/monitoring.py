"""Alarms, which notify one SNS topic, and the dashboard."""

import hashlib

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from infra.settings.configuration import Configuration
from infra.stack.dashboard import add_dashboard
from infra.stack.metrics import FunctionMetrics
from infra.stack.scoring import Scoring, visibility_seconds
from infra.stack.storage import Storage
from lambda_fn import metric_names
from lambda_fn.manifest import Manifest
from lambda_fn.settings import expected_error_rates

# The age of the oldest message in seconds that raises an alarm. A result normally takes seconds. If a message waits for
# a quarter of an hour, images arrive faster than they are scored.
OLDEST_MESSAGE_SECONDS = 900

# The same age in visibility timeouts; the longer of the two holds. An image that fails on every try must raise the
# alarm for dead letters alone. Its third try starts two visibility timeouts after the first, and from then on SQS no
# longer counts its message as the oldest:
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
FAILING_VISIBILITY_TIMEOUTS = 2.4

# More failed messages than this percentage raise an alarm, if there were this many messages in five minutes. A lone
# image that cannot be read raises none with its five tries.
FAILED_PERCENT, FAILED_MESSAGES = 5, 10

# The alarm for the review share needs this many images an hour, for this many hours. If a quarter of 100 images goes to
# review, the standard error is 4.3 %; twice that share is six standard errors away.
DRIFT_IMAGES_AN_HOUR, DRIFT_HOURS = 100, 3

# The alarms for decisions need this many images a day, for this many days. All cells of one patient may belong to one
# class, but 500 images on each of three days hardly come from one patient.
DRIFT_IMAGES_A_DAY, DRIFT_DAYS = 500, 3

# The alarm for a broken promise goes this long after the last judgement, whatever that found. So its end is no news.
PROMISE_PERIOD = Duration.days(1)


class Monitoring(Construct):
    """Alarms, the topic that they notify, and a dashboard.

    Attributes:
        model: the manifest of the model that is deployed.
        metrics: the metrics of this deployment and model.
        topic: the topic.
        promise: the alarm for a broken promise; None if no cell is decided.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, configuration: Configuration, storage: Storage, scoring: Scoring
    ) -> None:
        """Watch the queue, the live function and the shipped model."""
        super().__init__(scope, construct_id)
        self.model = Manifest.read()
        self.metrics = FunctionMetrics(Stack.of(self).stack_name, model=self.model.version)
        # Without a KMS key the topic is not encrypted, because CloudWatch may not use AWS's own key for topics. No
        # alarm names an image.
        self.topic = sns.Topic(self, "Topic", enforce_ssl=True, master_key=storage.key)
        self.topic.add_to_resource_policy(
            iam.PolicyStatement(
                sid="TellOfAlarms",
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                actions=["sns:Publish"],
                resources=[self.topic.topic_arn],
                conditions={"StringEquals": {"aws:SourceAccount": Stack.of(self).account}},
            )
        )
        if configuration.alarm_email:
            self.topic.add_subscription(subscriptions.EmailSubscription(configuration.alarm_email))
        self._errors(scoring)
        self._queues(configuration, scoring)
        if configuration.target == "aws":  # the local cloud refuses alarms on expressions
            self._failures()
            if not configuration.review_everything:
                self._drift(configuration)
        # If every image goes to a person, no decision can break a promise.
        self.promise = None if configuration.review_everything else self._promise(configuration)
        add_dashboard(self, configuration, scoring, self.metrics, self.model)

    def _queues(self, configuration: Configuration, scoring: Scoring) -> None:
        minute = Duration.minutes(1)
        self.add_alarm(
            "DeadLetters",
            scoring.dead_letters.metric_approximate_number_of_messages_visible(period=minute, statistic="Maximum"),
            "Images without an answer after five tries: `cellflag redrive` shows why, and sends them back.",
        )
        oldest = scoring.queue.metric_approximate_age_of_oldest_message(period=minute, statistic="Maximum")
        failing = FAILING_VISIBILITY_TIMEOUTS * visibility_seconds(configuration)
        self.add_alarm(
            "OldestMessage",
            oldest,
            "Images wait too long: raise max_concurrency, or look for errors.",
            above=max(OLDEST_MESSAGE_SECONDS, failing),
            periods=5,
        )
        self.add_alarm(
            "Throttles",
            scoring.function.metric_throttles(period=Duration.minutes(5), statistic="Sum"),
            "The account, or reserved_concurrency, allows fewer calls at a time than queue and backfill make.",
            periods=3,
        )

    def _errors(self, scoring: Scoring) -> None:
        self.add_alarm(
            "Errors",
            scoring.live.metric_errors(period=Duration.minutes(1), statistic="Sum"),
            "Calls of the function crash or time out.",
        )

    def _failures(self) -> None:
        self.add_alarm(
            "MessagesFailed",
            self.metrics.percent_failed(Duration.minutes(5), FAILED_MESSAGES),
            "Images cannot be read, or results not written; the function's log says why.",
            above=FAILED_PERCENT,
        )

    def _drift(self, configuration: Configuration) -> None:
        """Alarms for shares that contradict the model's manifest.

        The share of cells that are decided ALL or normal depends on the laboratory's mix of cells. It still has a lower
        bound, because the error rates hold for each class: if every cell were ALL, the share ``all_decided_normal``
        would be decided normal, and if every cell were normal, the share ``normal_decided_all`` would be decided ALL.
        Fewer than half of these cannot come from any mix.
        """
        own = configuration.own_thresholds
        if not configuration.own_rates:  # other error rates send another share to review
            expected = 100 * (own.review_share if own else self.model.achieved_shares().review_share)
            self.add_alarm(
                "ReviewShare",
                self.metrics.percent_of_images(metric_names.REVIEW, Duration.hours(1), DRIFT_IMAGES_AN_HOUR, expected),
                f"Far more goes to review than the {expected:.0f} % that "
                f"{'thresholds_file' if own else 'the model card'} states: did staining, scanner or cropping change?",
                above=min(2 * expected, (expected + 100) / 2),  # a share above half cannot double
                periods=DRIFT_HOURS,
            )
        rates = expected_error_rates(configuration.own_rates, self.model) | (own.chosen_for if own else {})
        decided = {
            metric_names.DECIDED_ALL: rates["normal_decided_all"],
            metric_names.DECIDED_NORMAL: rates["all_decided_normal"],
        }
        for name, share in decided.items():
            self.add_alarm(
                name,
                self.metrics.percent_of_images(name, Duration.days(1), DRIFT_IMAGES_A_DAY, 100 * share),
                "Scores have moved: fewer cells get this decision than in any mix of the cells that the model knows.",
                above=100 * share / 2,
                periods=DRIFT_DAYS,
                operator=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
            )

    def _promise(self, configuration: Configuration) -> cloudwatch.Alarm:
        """An alarm for a promised error rate that is broken with the model and the thresholds that are deployed.

        Another model, or other thresholds, get another alarm. If theirs were the same resource, it would still be in
        alarm when their release begins, and CodeDeploy would refuse it.
        """
        stack, thresholds = Stack.of(self).stack_name, configuration.thresholds_in_force
        judged = hashlib.sha256(f"{self.model.sha256} {thresholds}".encode()).hexdigest()[:8]
        metrics = FunctionMetrics(stack, model=self.model.version, thresholds=thresholds)
        return self.add_alarm(
            f"PromiseBroken{judged}",
            metrics.count(metric_names.PROMISES_BROKEN, PROMISE_PERIOD, "Maximum", labelled=False),
            "The model does not keep a promised error rate here: `cellflag promise` says which, and how far it is off. "
            "Send every cell to a person (review_everything), or choose other thresholds (`cellflag recalibrate`).",
            tell_of_end=False,
        )

    def add_alarm(
        self,
        name: str,
        metric: cloudwatch.IMetric,
        description: str,
        *,
        above: float = 0,
        periods: int = 1,
        operator: cloudwatch.ComparisonOperator = cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
        tell_of_end: bool = True,
    ) -> cloudwatch.Alarm:
        """Add an alarm that notifies the topic when it comes and when it goes.

        Args:
            name: name of the construct.
            metric: the metric or expression that it watches.
            description: what an operator should know and do.
            above: the threshold.
            periods: periods of ``metric`` in a row that raise the alarm.
            operator: how the threshold is compared. Missing data never raise an alarm.
            tell_of_end: also notify the topic when the alarm goes.
        """
        alarm = cloudwatch.Alarm(
            self,
            name,
            metric=metric,
            alarm_description=description,
            threshold=round(above, 2),
            evaluation_periods=periods,
            comparison_operator=operator,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        alarm.add_alarm_action(actions.SnsAction(self.topic))
        if tell_of_end:
            alarm.add_ok_action(actions.SnsAction(self.topic))
        return alarm
