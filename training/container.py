"""The program of a SageMaker training job: runs ``cellflag train run`` in the job's container.

The SageMaker Training Toolkit (github.com/aws/sagemaker-training-toolkit, script mode) unpacks the source, passes the
hyperparameters as arguments, and names two folders in the environment: ``SM_CHANNEL_TRAINING`` holds the cells, and the
files in ``SM_MODEL_DIR`` become ``model.tar.gz`` at the end. The run's folder is the job's checkpoint folder. SageMaker
copies it to S3 as it changes, and back after an interruption, so that the run continues where it was.
"""

import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from training.sagemaker.layout import CHANNEL_VARIABLE, CHECKPOINTS, MODEL_VARIABLE

# Files of a run that `cellflag train promote` and `evaluate` read.
DELIVERED = ("run.json", "folds.csv", "out-of-fold.csv", "model", "float32.onnx")


def run_job(arguments: Sequence[str], environment: Mapping[str, str]) -> None:
    """Train, or continue an interrupted run, and deliver the model.

    Args:
        arguments: the hyperparameters, which are options of ``cellflag train run``, each with a value; the value of a
            flag is ``True`` or ``False``.
        environment: of the container.
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
    """Yield the arguments of a command line: a true flag has no value there, and a false one is left out."""
    for name, value in zip(arguments[::2], arguments[1::2], strict=True):
        if value.lower() != "false":
            yield from (name,) if value.lower() == "true" else (name, value)


def deliver(run: Path, model_folder: Path) -> None:
    """Copy the files of a finished run that are needed to promote and evaluate its model, and its logs."""
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
