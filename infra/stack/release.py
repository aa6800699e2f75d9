"""The release of a new version: a tenth of the batches at first, and an automatic rollback on an alarm."""

from collections.abc import Sequence

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_codedeploy as codedeploy
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.stack.nag import acknowledge

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
        alias: lambda_.Alias,
        minutes: int,
        alarms: Sequence[cloudwatch.IAlarm],
    ) -> None:
        """Give a new version a tenth of the batches for ``minutes`` (5, 10, 15 or 30); ``alarms`` roll it back."""
        super().__init__(scope, construct_id)
        group = codedeploy.LambdaDeploymentGroup(
            self,
            "Group",
            alias=alias,
            deployment_config=_CANARIES[minutes],
            alarms=list(alarms),
            auto_rollback=codedeploy.AutoRollbackConfig(
                failed_deployment=True, stopped_deployment=True, deployment_in_alarm=True
            ),
        )
        policy = "arn:<AWS::Partition>:iam::aws:policy/service-role/AWSCodeDeployRoleForLambdaLimited"
        acknowledge(group, f"IAM4[Policy::{policy}]", "AWS maintains this policy for CodeDeploy's work with functions.")
