"""Whom the stack trusts: services of AWS that act for this account, and buckets that belong to it."""

from typing import cast

from aws_cdk import CfnResource, Stack
from aws_cdk import aws_iam as iam
from constructs import Construct, IConstruct


def of_this_account(scope: Construct) -> dict[str, dict[str, str]]:
    """A condition on the right to a bucket: it must belong to this account.

    The name of a deleted bucket is free, and anybody may take it.
    """
    return {"StringEquals": {"aws:ResourceAccount": Stack.of(scope).account}}


def for_this_account(scope: IConstruct, service: str) -> iam.PrincipalBase:
    """A service of AWS as a principal, only while it acts for this account.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
    """
    return iam.ServicePrincipal(service).with_conditions(_from_this_account(scope))


def restrict_role_to_this_account(handler: IConstruct) -> None:
    """Add the condition of ``for_this_account`` to the role that the CDK made for a function of its own."""
    role = cast(CfnResource, handler.node.find_child("Role").node.default_child)
    role.add_property_override("AssumeRolePolicyDocument.Statement.0.Condition", _from_this_account(handler))


def _from_this_account(scope: IConstruct) -> dict[str, dict[str, str]]:
    return {"StringEquals": {"aws:SourceAccount": Stack.of(scope).account}}
