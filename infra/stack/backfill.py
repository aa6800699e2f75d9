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

from infra.settings.configuration import EXPRESS_SECONDS, Configuration
from infra.stack.encryption import let_use
from infra.stack.nag import acknowledge, acknowledge_resources
from infra.stack.storage import Storage, of_this_account
from lambda_fn.keys import BACKFILLS

_BATCH_BYTES = 200_000
_THROTTLED = {
    "ErrorEquals": ["Lambda.TooManyRequestsException"],
    "IntervalSeconds": 1,
    "MaxAttempts": 6,
    "BackoffRate": 2,
    "MaxDelaySeconds": 20,
    "JitterStrategy": "FULL",
}
_CRASHED = {"ErrorEquals": ["States.ALL"], "IntervalSeconds": 5, "MaxAttempts": 1}
_AGAIN_SECONDS = 5


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
        self.state_machine = sfn.StateMachine(
            self,
            "StateMachine",
            definition_body=sfn.DefinitionBody.from_string(
                stack.to_json_string(_definition(configuration, storage, function))
            ),
            role=_role(self, storage, function, configuration.images_prefix),
            tracing_enabled=True,
            # Without execution data: a key may hold a name.
            logs=sfn.LogOptions(destination=log_group, level=sfn.LogLevel.ALL, include_execution_data=False),
        )
        _let_it_start_its_children(self, self.state_machine)


def _definition(configuration: Configuration, storage: Storage, function: lambda_.IFunction) -> dict[str, Any]:
    """In Amazon States Language, https://states-language.net."""
    kind = "EXPRESS" if configuration.timeout_seconds <= EXPRESS_SECONDS else "STANDARD"
    results, images = storage.results.bucket_name, storage.images.bucket_name

    # A listing names every key: the function passes over what would not be announced either.
    announced = {"Prefix": configuration.images_prefix, "Suffix": configuration.images_suffix}
    filters = {name: value for name, value in announced.items() if value}

    def distributed_map(name: str, reader: dict[str, Any], **listed: str) -> dict[str, Any]:
        # A second try of a batch writes the ledger's lines of results that are younger than the backfill.
        since = {"Since.$": "$$.Execution.StartTime"}
        selected = {"Key.$": "$$.Map.Item.Value.Key", "Backfill.$": "$.backfill", **since, **listed}
        return {
            "Type": "Map",
            "Label": name,
            "ItemReader": reader,
            "ItemSelector": {"Bucket": images, **selected, **filters},
            "ItemBatcher": {
                "MaxItemsPerBatch": configuration.backfill_batch_size,
                "MaxInputBytesPerBatch": _BATCH_BYTES,
            },
            "MaxConcurrency": configuration.backfill_concurrency,
            "ToleratedFailurePercentage": configuration.backfill_tolerated_failure_percentage,
            "ItemProcessor": {
                "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": kind},
                "StartAt": f"Score{name}",
                "States": _batch(name, function),
            },
            "ResultWriter": {
                "Resource": "arn:aws:states:::s3:putObject",
                "Parameters": {"Bucket": results, "Prefix": BACKFILLS.removesuffix("/")},
                "WriterConfig": {"Transformation": "COMPACT", "OutputType": "JSONL"},
            },
            "End": True,
        }

    below_prefix = {
        "Resource": "arn:aws:states:::s3:listObjectsV2",
        "Parameters": {"Bucket": images, "Prefix.$": "$.prefix"},
    }
    of_list = {
        "Resource": "arn:aws:states:::s3:getObject",
        "ReaderConfig": {"InputType": "JSONL"},
        "Parameters": {"Bucket": results, "Key.$": "$.list"},
    }
    listed = {"Variable": "$.list", "IsPresent": True, "Next": "OfList"}
    return {
        "StartAt": "WhichImages",
        "States": {
            "WhichImages": {"Type": "Choice", "Choices": [listed], "Default": "BelowPrefix"},
            "BelowPrefix": distributed_map("BelowPrefix", below_prefix, **{"Size.$": "$$.Map.Item.Value.Size"}),
            "OfList": distributed_map("OfList", of_list),
        },
    }


def _batch(name: str, function: lambda_.IFunction) -> dict[str, Any]:
    """The states of a child, whose output is `lambda_fn.reporting.tally` of its batch, or the list `tries` of two.

    An image that fails is counted in there, after a second try: it fails neither the call, which would be an alarm, nor
    its whole batch. A batch fails if nothing came of any of its images, so that what stops all of them, such as a
    permission that is missing, ends the backfill.

    If both calls of the first try crash, the second try scores each image in a process of its own
    (`lambda_fn.isolation`), so that the image that ends its process fails alone.
    """
    score = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": function.function_arn, "Payload.$": "$"},
        "ResultSelector": {"counts.$": "$.Payload"},
    }
    answers = ("scored", "rejected", "unchanged", "gone")
    nothing: list[dict[str, Any]] = [{"Variable": f"$.again.counts.{count}", "NumericEquals": 0} for count in answers]
    # An older version of the function, which a canary still runs, does not count these.
    for count in ("stale", "withdrawn"):
        variable = f"$.again.counts.{count}"
        absent = {"Variable": variable, "IsPresent": False}
        nothing.append({"Or": [absent, {"Variable": variable, "NumericEquals": 0}]})
    no_counts = dict.fromkeys(("scored", "rejected", "review", "unchanged", "gone", "failed", "seconds"), 0)
    crash = {"ErrorEquals": ["States.ALL"], "ResultPath": "$.crash", "Next": f"Crashed{name}"}
    some_failed = {"Variable": "$.again.counts.failed", "NumericGreaterThan": 0}
    states = {
        "Score": score
        | {"ResultPath": "$.first", "Retry": [_THROTTLED, _CRASHED], "Catch": [crash], "Next": f"Judge{name}"},
        "Crashed": {
            "Type": "Pass",
            "Result": {"crashed": True, "counts": no_counts},
            "ResultPath": "$.first",
            "Next": f"Wait{name}",
        },
        "Judge": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.first.counts.failed", "NumericGreaterThan": 0, "Next": f"Wait{name}"}],
            "Default": f"Answered{name}",
        },
        "Answered": {"Type": "Succeed", "OutputPath": "$.first.counts"},
        "Wait": {"Type": "Wait", "Seconds": _AGAIN_SECONDS, "Next": f"ScoreAgain{name}"},
        "ScoreAgain": score | {"ResultPath": "$.again", "Retry": [_THROTTLED], "Next": f"JudgeAgain{name}"},
        "JudgeAgain": {
            "Type": "Choice",
            "Choices": [{"And": [some_failed, *nothing], "Next": f"NothingAnswered{name}"}],
            "Default": f"Counted{name}",
        },
        "Counted": {
            "Type": "Pass",
            "Parameters": {"tries.$": "States.Array($.first.counts, $.again.counts)"},
            "End": True,
        },
        "NothingAnswered": {
            "Type": "Fail",
            "Error": "NothingAnswered",
            "CausePath": "States.JsonToString($.again.counts)",
        },
    }
    return {f"{state}{name}": content for state, content in states.items()}


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
