"""What a job and the program in its container agree on: the program's name, and the folders of the container."""

# The program's name in the job's source archive, and the file of this repository that it is a copy of.
PROGRAM = "entry.py"
PROGRAM_SOURCE = "training/container.py"
# SageMaker copies this folder to S3 as it changes, and back before a job goes on.
CHECKPOINTS = "/opt/ml/checkpoints"
# The channel of the cells, and the variables in which the toolkit names its folder and the folder of the model.
CHANNEL = "training"
CHANNEL_VARIABLE = f"SM_CHANNEL_{CHANNEL.upper()}"
MODEL_VARIABLE = "SM_MODEL_DIR"
