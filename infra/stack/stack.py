"""The CloudFormation stack, the same on AWS and on the local cloud."""

from aws_cdk import CfnOutput, Stack, Tags
from constructs import Construct

from infra import names
from infra.packaging.bundle import Bundle
from infra.settings.configuration import Configuration
from infra.stack.backfill import Backfill
from infra.stack.ledger import Ledger
from infra.stack.monitoring import Monitoring
from infra.stack.nag import acknowledge, acknowledge_notifications_handler
from infra.stack.release import Release
from infra.stack.scoring import Scoring
from infra.stack.storage import Storage

# The function's Python version on AWS. The local cloud runs functions on the Python of this process.
PYTHON = "3.13"


class CellflagStack(Stack):
    """Storage, scoring, backfill, ledger, monitoring and release, with the names that users need as outputs."""

    def __init__(self, scope: Construct, construct_id: str, *, configuration: Configuration, bundle: Bundle) -> None:
        """Deploy the code of ``bundle`` with the settings of ``configuration``."""
        super().__init__(
            scope,
            construct_id,
            description="Scores images of single white blood cells for acute lymphoblastic leukaemia.",
        )
        for tag, content in {"application": "cellflag", "stage": configuration.stage, **configuration.tags}.items():
            Tags.of(self).add(tag, content)
        storage = Storage(self, "Storage", configuration=configuration)
        scoring = Scoring(self, "Scoring", configuration=configuration, storage=storage, bundle=bundle)
        backfill = Backfill(self, "Backfill", configuration=configuration, storage=storage, function=scoring.live)
        Ledger(self, "Ledger", configuration=configuration, storage=storage)
        monitoring = Monitoring(self, "Monitoring", configuration=configuration, storage=storage, scoring=scoring)
        if configuration.canary_minutes and configuration.target == "aws":  # the local cloud has no CodeDeploy
            minutes, alarms = configuration.canary_minutes, monitoring.rollback
            Release(self, "Release", alias=scoring.live, minutes=minutes, alarms=alarms)
        for name, value in {
            names.IMAGES_BUCKET_OUTPUT: storage.images.bucket_name,
            names.RESULTS_BUCKET_OUTPUT: storage.results.bucket_name,
            names.QUEUE_OUTPUT: scoring.queue.queue_url,
            names.DEAD_LETTER_QUEUE_OUTPUT: scoring.dead_letters.queue_url,
            names.FUNCTION_OUTPUT: scoring.function.function_name,
            names.BACKFILL_OUTPUT: backfill.state_machine.state_machine_arn,
            names.ALARM_TOPIC_OUTPUT: monitoring.topic.topic_arn,
        }.items():
            CfnOutput(self, name, value=value)
        if configuration.images_prefix:
            CfnOutput(self, names.IMAGES_PREFIX_OUTPUT, value=configuration.images_prefix)
        inline = "Each policy belongs to one role; no other role would share a managed policy."
        acknowledge(self, "IAMNoInlinePolicy", inline, pack="HIPAA.Security")
        acknowledge_notifications_handler(self)
