"""The address of AWS' prebuilt TensorFlow container for training, by region."""

from training.errors import JobError

# The version that this project trains with; `pyproject.toml` pins it.
TENSORFLOW = "2.21.0"
PYTHON = "py312"

# The account that publishes the Deep Learning Containers, and the regions that it does so in; other regions have an
# account of their own. From `registries` in image_uri_config/tensorflow.json of github.com/aws/sagemaker-python-sdk.
# For ap-east-2 the page "Available Deep Learning Containers Images" names the first account instead.
_ACCOUNT = "763104351884"
_REGIONS = (
    *("ap-northeast-1", "ap-northeast-2", "ap-south-1", "ap-southeast-1", "ap-southeast-2", "ca-central-1"),
    *("eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3", "sa-east-1"),
    *("us-east-1", "us-east-2", "us-west-1", "us-west-2"),
)
_OTHER_ACCOUNTS = {
    "af-south-1": "626614931356",
    "ap-east-1": "871362719292",
    "ap-east-2": "975050140332",
    "ap-northeast-3": "364406365360",
    "ap-south-2": "772153158452",
    "ap-southeast-3": "907027046896",
    "ap-southeast-4": "457447274322",
    "ap-southeast-5": "550225433462",
    "ap-southeast-6": "633930458069",
    "ap-southeast-7": "590183813437",
    "ca-west-1": "204538143572",
    "cn-north-1": "727897471807",
    "cn-northwest-1": "727897471807",
    "eu-central-2": "380420809688",
    "eu-south-1": "692866216735",
    "eu-south-2": "503227376785",
    "il-central-1": "780543022126",
    "me-central-1": "914824155844",
    "me-south-1": "217643126080",
    "mx-central-1": "637423239942",
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

    Raises:
        JobError: no account is known for the region.
    """
    suffix = ".cn" if region.startswith("cn-") else ""
    account = _ACCOUNT if region in _REGIONS else _OTHER_ACCOUNTS.get(region)
    if account is None:
        raise JobError(f"No TensorFlow container is known in the region {region}: name one with --image.")
    processor = "gpu" if instance_type.startswith(_GPU_FAMILIES) else "cpu"
    tag = f"{TENSORFLOW}-{processor}-{PYTHON}"
    return f"{account}.dkr.ecr.{region}.amazonaws.com{suffix}/tensorflow-training:{tag}"
