"""Images that lie in the bucket already: a Distributed Map hands them to the same function, in larger batches.

Each batch is a child workflow. The function decides what to do with each image: it alone knows its model, and looks at
the standing result at the moment of scoring, so that nothing has to be listed or compared beforehand.
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

    Its input is ``{"backfill": "missing" or "all", "prefix": "..."}``, or with a ``list`` in place of the prefix: a key
    below ``backfills/`` in the results bucket, of JSON lines ``{"Key": "..."}``.
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
        """Score images of `storage` by `function`, which reads and writes them with its own role."""
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
            # Without execution data: a key may hold a name.
            logs=sfn.LogOptions(destination=log_group, level=sfn.LogLevel.ALL, include_execution_data=False),
        )
        _let_it_start_its_children(self, self.state_machine)


def _role(scope: Construct, storage: Storage, function: lambda_.IFunction, images_prefix: str | None) -> iam.Role:
    """Of a state machine that lists images, calls the function, and writes below one prefix of the results bucket."""
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
    acknowledge_resources(role, [own_objects], "Any object below the one prefix.")
    acknowledge(role, "IAM5[Resource::*]", "Delivering logs and traces cannot be restricted to a resource.")
    return role


def _let_it_start_its_children(scope: Construct, state_machine: sfn.StateMachine) -> None:
    """A Distributed Map's children are executions of its own state machine, started in its own name.

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
    acknowledge_resources(policy, [executions], "Executions of this state machine, which have names of their own.")
