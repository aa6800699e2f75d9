"""The release of a new version: a tenth of the batches at first, and an automatic rollback on an alarm."""

from aws_cdk import ArnFormat, Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_codedeploy as codedeploy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra import names
from infra.stack.metrics import FunctionMetrics
from infra.stack.monitoring import FAILED_MESSAGES, FAILED_PERCENT, Monitoring
from infra.stack.nag import acknowledge_resources
from infra.stack.scoring import Scoring
from infra.stack.trust import for_this_account

_CANARIES = {
    5: codedeploy.LambdaDeploymentConfig.CANARY_10_PERCENT_5_MINUTES,
    10: codedeploy.LambdaDeploymentConfig.CANARY_10_PERCENT_10_MINUTES,
    15: codedeploy.LambdaDeploymentConfig.CANARY_10_PERCENT_15_MINUTES,
    30: codedeploy.LambdaDeploymentConfig.CANARY_10_PERCENT_30_MINUTES,
}


class Release(Construct):
    """A CodeDeploy group that moves the alias to each new version while the stack is deployed."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        scoring: Scoring,
        monitoring: Monitoring,
        minutes: int,
    ) -> None:
        """Give a new version a tenth of the batches for ``minutes`` (5, 10, 15 or 30), and roll it back on an alarm.

        The alarms watch the new version alone. Failures of the version before it would otherwise end every release, and
        failures of the new one would be lost among nine times as many batches of the other. The alarm for dead letters
        is not among them: it lasts until the dead letters are sent back, and CodeDeploy starts no release during an
        alarm, not even one with the remedy. The alarm for a broken promise is among them, because it is about the new
        model and its thresholds alone: other thresholds, or another model, have an alarm of their own.
        """
        super().__init__(scope, construct_id)
        promise = [monitoring.promise] if monitoring.promise else []
        codedeploy.LambdaDeploymentGroup(
            self,
            "Group",
            alias=scoring.live,
            # The CDK would attach a managed policy of AWS that reaches every function of the account.
            role=_role(self, scoring.function).without_policy_updates(),
            deployment_config=_CANARIES[minutes],
            alarms=[_errors(scoring, monitoring), _failures(scoring, monitoring), *promise],
            auto_rollback=codedeploy.AutoRollbackConfig(
                failed_deployment=True, stopped_deployment=True, deployment_in_alarm=True
            ),
        )


def _errors(scoring: Scoring, monitoring: Monitoring) -> cloudwatch.IAlarm:
    """An alarm for crashes of the newest version, which CloudWatch counts while the alias has two versions.

    https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
    """
    dimensions = {
        "FunctionName": scoring.function.function_name,
        "Resource": f"{scoring.function.function_name}:{names.LIVE_ALIAS}",
        "ExecutedVersion": scoring.function.current_version.version,
    }
    crashes = scoring.live.metric_errors(dimensions_map=dimensions, period=Duration.minutes(1), statistic="Sum")
    return monitoring.add_alarm("ReleaseErrors", crashes, "Calls of the newest version crash or time out.")


def _failures(scoring: Scoring, monitoring: Monitoring) -> cloudwatch.IAlarm:
    """An alarm for failed messages of the newest version."""
    service, version = Stack.of(monitoring).stack_name, scoring.function.current_version.version
    return monitoring.add_alarm(
        "ReleaseFailures",
        FunctionMetrics(service, version=version).percent_failed(Duration.minutes(5), FAILED_MESSAGES),
        "Images cannot be read, or results not written, by the newest version; the function's log says why.",
        above=FAILED_PERCENT,
    )


def _role(scope: Construct, function: lambda_.IFunction) -> iam.Role:
    """A role that may read alarms and move the aliases of ``function``.

    These are the actions that AWSCodeDeployRoleForLambdaLimited allows for a release without hooks:
    https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSCodeDeployRoleForLambdaLimited.html
    """
    stack = Stack.of(scope)
    # DescribeAlarms takes no narrower resource:
    # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatch.html
    alarms = stack.format_arn(
        service="cloudwatch", resource="alarm", resource_name="*", arn_format=ArnFormat.COLON_RESOURCE_NAME
    )
    versions = f"{function.function_arn}:*"
    rights = iam.PolicyDocument(
        statements=[
            iam.PolicyStatement(sid="ReadAlarms", actions=["cloudwatch:DescribeAlarms"], resources=[alarms]),
            iam.PolicyStatement(
                sid="MoveAlias",
                actions=["lambda:GetAlias", "lambda:GetProvisionedConcurrencyConfig", "lambda:UpdateAlias"],
                resources=[function.function_arn, versions],
            ),
        ]
    )
    assumed_by = for_this_account(scope, "codedeploy.amazonaws.com")
    role = iam.Role(scope, "Role", assumed_by=assumed_by, inline_policies={"Release": rights})
    acknowledge_resources(role, [alarms, versions], "AWS offers no narrower one; versions are numbered later.")
    return role
