"""Deploys the stack to a local cloud, with the same CDK command line and the same template as to AWS.

Independent steps run at the same time: the cloud starts and is bootstrapped while the function's zip is built and the
template is written.
"""

import json
import os
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

from infra import names
from infra.deployed_stack import DeployedStack
from infra.local_cloud import emulator
from infra.local_cloud.isolation import ACCOUNT, REGION, environment, session
from infra.packaging import bundle
from infra.tools.cdk import cdk_command, cdk_environment, cdk_script
from infra.tools.paths import PROJECT
from infra.tools.processes import Commands
from infra.tools.steps import Steps

# The local cloud hands over each message at once, and unpacks the whole zip for each call that runs beside another. If
# few calls run at a time, messages gather to batches, as they do on AWS.
_CONTEXT = [
    f"--context={name}" for name in ("stage=local", "target=local", "max_concurrency=2", "backfill_concurrency=2")
]
_STACK = names.stack_name(names.LOCAL_STAGE)
_OUTPUTS = "outputs.json"
# An endpoint for commands that need no cloud: nothing listens on the port "discard".
_NOWHERE = "http://127.0.0.1:9"


def put_up(folder: Path, steps: Steps) -> DeployedStack:
    """Start a local cloud and deploy the stack there. If anything fails, the cloud is ended.

    Args:
        folder: the cloud's folder, which also gets the logs of all commands.
        steps: shows the progress.

    Raises:
        LocalCloudError: the cloud does not start.
        ToolkitError: the CDK command line cannot be installed.
        BundlingError: the function's zip cannot be built.
        CommandFailedError: bootstrapping, synthesis or deployment failed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _OUTPUTS).unlink(missing_ok=True)
    try:
        # On an error the commands are ended first: the pool waits for its threads, and these wait for commands.
        with ThreadPoolExecutor(max_workers=3) as pool, Commands(folder) as commands:
            _put_up(folder, steps, pool, commands)
        stack = deployed(folder)
        assert stack is not None, "the CDK command line writes the outputs of a deployment"
    except BaseException:
        emulator.stop(folder)
        raise
    return stack


def deployed(folder: Path) -> DeployedStack | None:
    """The stack on the local cloud of a folder; None if the cloud is down, or nothing is deployed there yet."""
    cloud = emulator.running(folder)
    if cloud is None or not (folder / _OUTPUTS).is_file():
        return None
    outputs = json.loads((folder / _OUTPUTS).read_text())[_STACK]
    return DeployedStack(_STACK, outputs, session(), cloud.endpoint)


def _put_up(folder: Path, steps: Steps, pool: ThreadPoolExecutor, commands: Commands) -> None:
    toolkit = pool.submit(cdk_script)
    cloud_assembly = str(folder / "cdk.out")

    def cdk(name: str, *arguments: str, endpoint: str = _NOWHERE, cwd: Path = PROJECT) -> None:
        toolkit.result()
        variables = cdk_environment(environment(endpoint, os.environ))
        commands.run(name, cdk_command(name, *arguments), variables, cwd)

    def start_and_bootstrap() -> emulator.LocalCloud:
        with steps.step("start", "the local cloud") as step:
            cloud = emulator.start(folder)
            step.note(cloud.endpoint)
        with steps.step("bootstrap", "cdk bootstrap"):
            # In a folder with cdk.json, bootstrapping would first run the app, whose output it does not need.
            cdk("bootstrap", "--app", "", f"aws://{ACCOUNT}/{REGION}", endpoint=cloud.endpoint, cwd=folder)
        return cloud

    def bundle_and_synthesize() -> None:
        with steps.step("bundle", "the function") as step:
            step.note(str(bundle.build(bundle.local_target())))
        with steps.step("synth", "cdk synth"):
            cdk("synth", "--quiet", "--output", cloud_assembly, *_CONTEXT)

    bootstrapped, synthesized = pool.submit(start_and_bootstrap), pool.submit(bundle_and_synthesize)
    branches: list[Future[Any]] = [bootstrapped, synthesized]
    for branch in wait(branches, return_when=FIRST_EXCEPTION).done:
        branch.result()  # raises the error of a failed branch
    with steps.step("deploy", "cdk deploy"):
        arguments = ["--outputs-file", str(folder / _OUTPUTS), "--require-approval", "never", "--progress", "events"]
        endpoint = bootstrapped.result().endpoint
        cdk("deploy", _STACK, "--app", cloud_assembly, *arguments, endpoint=endpoint)
