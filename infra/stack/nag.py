"""Acknowledges rules of AWS Solutions and HIPAA Security that this stack breaks on purpose, each with its reason.

``cdk synth`` fails on every other broken rule.
"""

from aws_cdk import Acknowledgment, Stack, Validations
from constructs import IConstruct


def acknowledge(construct: IConstruct, rule: str, reason: str, *, pack: str = "AwsSolutions") -> None:
    """Let ``construct`` and its children break the rule ``<pack>-<rule>``."""
    Validations.of(construct).acknowledge(Acknowledgment(id=f"{pack}-{rule}", reason=reason))


def acknowledge_resources(construct: IConstruct, arns: list[str], reason: str) -> None:
    """Let the policies in ``construct`` name these resources, whose ARNs end in a wildcard."""
    for arn in arns:
        acknowledge(construct, f"IAM5[Resource::{_as_nag_writes(Stack.of(construct).resolve(arn))}]", reason)


def acknowledge_notifications_handler(stack: Stack) -> None:
    """Acknowledge the rules that the CDK's own function breaks; it turns on the notifications of a bucket."""
    policy = "arn:<AWS::Partition>:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
    for child in stack.node.children:
        if child.node.id.startswith("BucketNotificationsHandler"):
            acknowledge(child, f"IAM4[Policy::{policy}]", "The CDK chooses the role of its own function.")
            for rule in ("LambdaConcurrency", "LambdaDLQ", "LambdaInsideVPC"):
                acknowledge(child, rule, "It runs during deployments only, which wait.", pack="HIPAA.Security")


def _as_nag_writes(resolved: object) -> str:
    """A resolved CloudFormation value in the notation of cdk-nag, with references in angle brackets."""
    match resolved:
        case {"Fn::Join": [delimiter, parts]}:
            return str(delimiter).join(map(_as_nag_writes, parts))
        case {"Fn::GetAtt": [resource, attribute]}:
            return f"<{resource}.{attribute}>"
        case {"Ref": name}:
            return f"<{name}>"
        case _:
            return str(resolved)
