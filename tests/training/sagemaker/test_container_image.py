"""The image of the container that a job trains in."""

import pytest

from training.errors import JobError
from training.sagemaker.container_image import training_image


@pytest.mark.parametrize(
    ("region", "instance_type", "image"),
    [
        (
            "us-east-1",
            "ml.c7i.2xlarge",
            "763104351884.dkr.ecr.us-east-1.amazonaws.com/tensorflow-training:2.21.0-cpu-py312",
        ),
        (
            "eu-south-1",
            "ml.g5.xlarge",
            "692866216735.dkr.ecr.eu-south-1.amazonaws.com/tensorflow-training:2.21.0-gpu-py312",
        ),
        (
            "cn-north-1",
            "ml.m5.large",
            "727897471807.dkr.ecr.cn-north-1.amazonaws.com.cn/tensorflow-training:2.21.0-cpu-py312",
        ),
    ],
)
def test_each_region_has_its_registry(region: str, instance_type: str, image: str) -> None:
    assert training_image(region, instance_type) == image


@pytest.mark.parametrize(
    ("region", "account"),
    [
        ("ap-east-2", "975050140332"),
        ("ap-southeast-5", "550225433462"),
        ("ap-southeast-6", "633930458069"),
        ("ap-southeast-7", "590183813437"),
        ("ca-west-1", "204538143572"),
        ("il-central-1", "780543022126"),
        ("mx-central-1", "637423239942"),
    ],
)
def test_new_regions_have_a_registry_account_of_their_own(region: str, account: str) -> None:
    assert training_image(region, "ml.m5.large").startswith(f"{account}.dkr.ecr.{region}.amazonaws.com/")


@pytest.mark.parametrize("region", ["eusc-de-east-1", "us-iso-east-1", "xx-north-9"])
def test_a_region_without_a_known_registry_asks_for_an_image(region: str) -> None:
    with pytest.raises(JobError, match=f"region {region}: name one with --image"):
        training_image(region, "ml.m5.large")
