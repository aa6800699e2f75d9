"""Where the project lies, and the one folder into which the commands of this package write."""

from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
"""The folder that holds cdk.json and the three packages."""

CACHE = PROJECT / ".cellflag"
"""Git-ignored: the CDK command line, zips, the local cloud's state and logs. Safe to delete while nothing runs."""

LAMBDA_PACKAGE = PROJECT / "lambda_fn"
"""The function's source, named as an asset and never imported."""
