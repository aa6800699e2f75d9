"""Where the project's files are, and the one folder that the commands of this package write to."""

from pathlib import Path
from typing import Final

# The folder of cdk.json and the three packages.
PROJECT: Final = Path(__file__).resolve().parents[2]

# The CDK command line, zips, and the local cloud's state and logs. Git ignores this folder, and it may be deleted while
# nothing runs.
CACHE: Final = PROJECT / ".cellflag"

# The function's source: an asset, of which only the modules of the contract are imported.
LAMBDA_PACKAGE: Final = PROJECT / "lambda_fn"
