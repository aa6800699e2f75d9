"""What a SageMaker training job runs in its container: ``cellflag train run`` on what the job was given.

The SageMaker Training Toolkit (github.com/aws/sagemaker-training-toolkit, script mode) unpacks the source, passes the
hyperparameters as arguments, and names folders in the environment: ``SM_CHANNEL_TRAINING`` holds the cells, what lies
in ``SM_MODEL_DIR`` at the end becomes ``model.tar.gz``. The run's folder is the job's checkpoint folder. SageMaker
copies it to S3 as it changes, and back after a spot instance was taken away: the run then goes on where it was.
"""

import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from training.sagemaker.layout import CHANNEL_VARIABLE, CHECKPOINTS, MODEL_VARIABLE

# What makes the unpacked archive a run's folder, for `cellflag train promote`.
DELIVERED = ("run.json", "folds.csv", "out-of-fold.csv", "model", "float32.onnx")


def run_job(arguments: Sequence[str], environment: Mapping[str, str]) -> None:
    """Train, or go on with what an interrupted job left, and deliver the model.

    Args:
        arguments: hyperparameters: options of ``cellflag train run``, each with a value; flags have ``True`` or
            ``False``.
        environment: the container's.
    """
    from training.__main__ import main

    run = Path(environment.get("CELLFLAG_CHECKPOINTS", CHECKPOINTS))
    if not (run / "model").exists():
        cells = environment[CHANNEL_VARIABLE]
        has_begun = (run / "run.json").exists()
        options = [cells, "--resume", str(run)] if has_begun else [cells, "--out", str(run), *as_options(arguments)]
        main(["train", "run", *options], standalone_mode=False)
    deliver(run, Path(environment[MODEL_VARIABLE]))


def as_options(arguments: Sequence[str]) -> Iterator[str]:
    """Options as a shell takes them: a flag that is true stands alone, one that is false is left out."""
    for name, value in zip(arguments[::2], arguments[1::2], strict=True):
        if value.lower() != "false":
            yield from (name,) if value.lower() == "true" else (name, value)


def deliver(run: Path, model_folder: Path) -> None:
    """Copy what a finished run is promoted and judged by, and its logs."""
    for name in DELIVERED:
        if (run / name).is_dir():
            shutil.copytree(run / name, model_folder / name, dirs_exist_ok=True)
        elif (run / name).exists():
            shutil.copy(run / name, model_folder)
    for log in run.glob("*/log.csv"):
        (model_folder / log.parent.name).mkdir(parents=True, exist_ok=True)
        shutil.copy(log, model_folder / log.parent.name)


if __name__ == "__main__":
    run_job(sys.argv[1:], os.environ)
