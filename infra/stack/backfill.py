"""The backfill: scores images that are in the bucket already, in large batches, by the same function.

A Distributed Map lists the images and runs a child workflow for each batch. The function decides what to do with each
image. It knows its own model and reads the image's current result at that moment, so no results are listed or compared
beforehand.
"""

from typing import Any

from aws_cdk import ArnFormat, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.settings.configuration import Configuration
from infra.stack.backfill_states import BackfillStates
from infra.stack.encryption import let_use
from infra.stack.nag import acknowledge, acknowledge_resources
from infra.stack.storage import Storage, of_this_account
from lambda_fn.keys import BACKFILLS


class Backfill(Construct):
    """A Standard state machine around one Distributed Map.

    Its input is ``{"backfill": "missing" or "all", "prefix": "..."}``. A ``list`` may take the place of the prefix: the
    key of a file of JSON lines ``{"Key": "..."}`` below ``backfills/`` in the results bucket.

    Attributes:
        state_machine: the state machine.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        configuration: Configuration,
        storage: Storage,
        function: lambda_.IFunction,
    ) -> None:
        """Score the images of ``storage`` with ``function``, which reads and writes them with its own role."""
        super().__init__(scope, construct_id)
        stack = Stack.of(self)
        log_group = logs.LogGroup(
            self,
            "Log",
            log_group_name=f"/aws/vendedlogs/states/{stack.stack_name}-backfill",
            removal_policy=RemovalPolicy.DESTROY,
            encryption_key=storage.key,
        )
        child: Any = log_group.node.default_child
        child.retention_in_days = configuration.log_retention_days
        states = BackfillStates(self, "States", configuration=configuration, storage=storage, function=function)
        self.state_machine = sfn.StateMachine(
            self,
            "StateMachine",
            definition_body=sfn.DefinitionBody.from_string(stack.to_json_string(states.definition)),
            role=_role(self, storage, function, configuration.images_prefix),
            tracing_enabled=True,
            # Execution data holds keys, and a key may hold a person's name.
            logs=sfn.LogOptions(destination=log_group, level=sfn.LogLevel.ALL, include_execution_data=False),
        )
        _allow_children(self, self.state_machine)


def _role(scope: Construct, storage: Storage, function: lambda_.IFunction, images_prefix: str | None) -> iam.Role:
    """A role that may list images, call the function, and write below one prefix of the results bucket."""
    role = iam.Role(scope, "Role", assumed_by=iam.ServicePrincipal("states.amazonaws.com"))
    own_objects = storage.results.arn_for_objects(f"{BACKFILLS}*")
    for statement in (
        iam.PolicyStatement(sid="Score", actions=["lambda:InvokeFunction"], resources=[function.function_arn]),
        iam.PolicyStatement(
            sid="ListImages",
            actions=["s3:ListBucket"],
            resources=[storage.images.bucket_arn],
            conditions=of_this_account(scope)
            | ({"StringLike": {"s3:prefix": f"{images_prefix}*"}} if images_prefix else {}),
        ),
        # https://docs.aws.amazon.com/step-functions/latest/dg/input-output-resultwriter.html#resultwriter-iam-policies
        iam.PolicyStatement(
            sid="ReadListAndWriteOutcome",
            actions=["s3:GetObject", "s3:PutObject", "s3:ListMultipartUploadParts", "s3:AbortMultipartUpload"],
            resources=[own_objects],
            conditions=of_this_account(scope),
        ),
    ):
        role.add_to_policy(statement)
    let_use(role, storage.results.encryption_key, "EncryptOutcome")
    acknowledge_resources(role, [own_objects], "The role needs every object below this one prefix.")
    acknowledge(role, "IAM5[Resource::*]", "AWS does not restrict the delivery of logs and traces to a resource.")
    return role


def _allow_children(scope: Construct, state_machine: sfn.StateMachine) -> None:
    """Let the state machine start and follow its children, which are executions of the state machine itself.

    https://docs.aws.amazon.com/step-functions/latest/dg/iam-policies-eg-dist-map.html
    """
    executions = Stack.of(scope).format_arn(
        service="states",
        resource="execution",
        resource_name=f"{state_machine.state_machine_name}/*",
        arn_format=ArnFormat.COLON_RESOURCE_NAME,
    )
    policy = iam.Policy(scope, "ChildrenPolicy", roles=[state_machine.role])
    policy.add_statements(
        iam.PolicyStatement(
            sid="StartChildren", actions=["states:StartExecution"], resources=[state_machine.state_machine_arn]
        ),
        iam.PolicyStatement(
            sid="FollowChildren", actions=["states:DescribeExecution", "states:StopExecution"], resources=[executions]
        ),
    )
    acknowledge_resources(policy, [executions], "The names of its executions are not known beforehand.")
