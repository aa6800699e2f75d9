"""The optional KMS key. Without it S3, SQS and CloudWatch Logs encrypt with AWS's own keys at no cost."""

from aws_cdk import ArnFormat, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from infra.settings.configuration import OWN


def encryption_key(scope: Construct, setting: str | None) -> kms.IKey | None:
    """The key for buckets, logs and alarms: a new key for ``own``, the key of an ARN, or None for None.

    A new key outlives the stack, because the data that remains can be decrypted with it alone.
    """
    if setting is None:
        return None
    if setting != OWN:
        return kms.Key.from_key_arn(scope, "Key", setting)
    key = kms.Key(
        scope,
        "Key",
        description=f"Images, results and logs of {Stack.of(scope).stack_name}",
        enable_key_rotation=True,
        removal_policy=RemovalPolicy.RETAIN,
    )
    stack = Stack.of(scope)
    logs = stack.format_arn(
        service="logs", resource="log-group", resource_name="*", arn_format=ArnFormat.COLON_RESOURCE_NAME
    )
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
    key.add_to_resource_policy(
        iam.PolicyStatement(
            sid="EncryptLogs",
            principals=[iam.ServicePrincipal(f"logs.{stack.region}.amazonaws.com")],
            actions=["kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"],
            resources=["*"],
            conditions={"ArnLike": {"kms:EncryptionContext:aws:logs:arn": logs}},
        )
    )
    # https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html#compatibility-with-aws-services
    key.add_to_resource_policy(
        iam.PolicyStatement(
            sid="TellOfAlarms",
            principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
            actions=["kms:Decrypt", "kms:GenerateDataKey*"],
            resources=["*"],
            conditions={"StringEquals": {"aws:SourceAccount": stack.account}},
        )
    )
    return key


def let_use(role: iam.IRole, key: kms.IKey | None, sid: str, *, write: bool = True) -> None:
    """Let ``role`` decrypt with ``key``, and encrypt as well if ``write``; without a key, grant nothing."""
    if key is not None:
        actions = ["kms:Decrypt", "kms:GenerateDataKey"] if write else ["kms:Decrypt"]
        role.add_to_principal_policy(iam.PolicyStatement(sid=sid, actions=actions, resources=[key.key_arn]))
