"""The address of AWS' prebuilt TensorFlow container for training, by region."""

# The version that this project trains with; `pyproject.toml` pins it.
TENSORFLOW = "2.21.0"
PYTHON = "py312"

# The account that publishes the Deep Learning Containers, and the accounts of regions in which another one does; from
# image_uri_config/tensorflow.json of github.com/aws/sagemaker-python-sdk.
_ACCOUNT = "763104351884"
_OTHER_ACCOUNTS = {
    "af-south-1": "626614931356",
    "ap-east-1": "871362719292",
    "ap-northeast-3": "364406365360",
    "ap-south-2": "772153158452",
    "ap-southeast-3": "907027046896",
    "ap-southeast-4": "457447274322",
    "cn-north-1": "727897471807",
    "cn-northwest-1": "727897471807",
    "eu-central-2": "380420809688",
    "eu-south-1": "692866216735",
    "eu-south-2": "503227376785",
    "me-central-1": "914824155844",
    "me-south-1": "217643126080",
    "us-gov-east-1": "446045086412",
    "us-gov-west-1": "442386744353",
}
# Beginnings of the names of instances with an NVIDIA GPU.
_GPU_FAMILIES = ("ml.g", "ml.p")


def training_image(region: str, instance_type: str) -> str:
    """The address of the container for an instance.

    Args:
        region: the job's.
        instance_type: of the instance; its name decides between the containers for CPU and GPU.
    """
    suffix = ".cn" if region.startswith("cn-") else ""
    account = _OTHER_ACCOUNTS.get(region, _ACCOUNT)
    processor = "gpu" if instance_type.startswith(_GPU_FAMILIES) else "cpu"
    tag = f"{TENSORFLOW}-{processor}-{PYTHON}"
    return f"{account}.dkr.ecr.{region}.amazonaws.com{suffix}/tensorflow-training:{tag}"
