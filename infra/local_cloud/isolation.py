"""Credentials and settings for the local cloud, in place of the user's own settings for AWS.

A profile, a proxy or a certificate of the user must not break a command for the local cloud, and the command must never
reach a real account.
"""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from boto3 import Session

# The local cloud accepts any credentials. These are the ones of its only account.
REGION = "us-east-1"
ACCOUNT = "000000000000"
ACCESS_KEY = "cellflag-local"
SECRET_KEY = "cellflag-local"


def exports(endpoint: str) -> dict[str, str]:
    """Environment variables with which any AWS tool uses the local cloud."""
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_DEFAULT_REGION": REGION,
    }


def environment(endpoint: str, user_environment: Mapping[str, str]) -> dict[str, str]:
    """The user's environment, with the settings for AWS, the CDK and proxies replaced by those for the local cloud."""
    others = {
        name: value
        for name, value in user_environment.items()
        if not name.startswith(("AWS_", "CDK_")) and not name.lower().endswith("_proxy")
    }
    return (
        others
        | exports(endpoint)
        | {
            "AWS_REGION": REGION,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1",
        }
    )


def session() -> "Session":
    """A session for the local cloud.

    It ignores boto3's environment variables and files, and its clients use no proxy.
    """
    import boto3
    from botocore.config import Config
    from botocore.session import Session

    variables = {name: (None, None, *rest) for name, (_, _, *rest) in Session.SESSION_VARIABLES.items()}
    for name in ("config_file", "credentials_file"):
        variables[name] = (None, None, os.devnull, None)
    isolated = Session(session_vars=variables)
    isolated.set_default_client_config(Config(proxies={}, s3={"addressing_style": "path"}))
    return boto3.Session(
        botocore_session=isolated, aws_access_key_id=ACCESS_KEY, aws_secret_access_key=SECRET_KEY, region_name=REGION
    )
