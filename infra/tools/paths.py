"""Where the project's files are, and the one folder that the commands of this package write to."""

import hashlib
import os
from pathlib import Path
from typing import Final

# The folder of cdk.json and the three packages.
PROJECT: Final = Path(__file__).resolve().parents[2]


def cache_folder(project: Path) -> Path:
    """The folder for the files that commands make: ``.cellflag`` in the project, or one in the user's own cache.

    The second is for a project that another user owns.

    Args:
        project: the project's folder.
    """
    within = project / ".cellflag"
    if os.access(within if within.exists() else project, os.W_OK):
        return within
    user_cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")  # noqa: PTH111 - raises no error
    name = hashlib.sha256(os.fsencode(project)).hexdigest()[:16]
    return Path(user_cache, "cellflag", name)


# The CDK command line, zips, and the local cloud's state and logs. Git ignores this folder, and it may be deleted while
# nothing runs.
CACHE: Final = cache_folder(PROJECT)

# The function's source: an asset, of which only the modules of the contract are imported.
LAMBDA_PACKAGE: Final = PROJECT / "lambda_fn"
