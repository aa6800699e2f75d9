"""What the CDK's own function does to the notifications of buckets, by its code in the template, against moto's S3."""

import io
import urllib.request
from collections.abc import Iterator
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from aws_cdk.assertions import Template
from moto import mock_aws

from tests.infra.templates import Synthesize, only, resources

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

STACK = "arn:aws:cloudformation:us-east-1:123456789012:stack/cellflag-test/1"
OTHERS: Any = {
    "Id": "theirs",
    "QueueArn": "arn:aws:sqs:us-east-1:123456789012:theirs",
    "Events": ["s3:ObjectTagging:*"],
}
OURS = "arn:aws:sqs:us-east-1:123456789012:ours"


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator["S3Client"]:
    """Two buckets, to which others have added a notification."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        sqs, client = boto3.client("sqs"), boto3.client("s3")
        for queue in ("ours", "theirs"):
            sqs.create_queue(QueueName=queue)
        for bucket in ("former", "new"):
            client.create_bucket(Bucket=bucket)
            client.put_bucket_notification_configuration(
                Bucket=bucket, NotificationConfiguration={"QueueConfigurations": [OTHERS]}
            )
        yield client


@pytest.fixture
def handle(template: Template, s3: "S3Client", monkeypatch: pytest.MonkeyPatch) -> Any:
    """Sends an event of CloudFormation to the function; fails if the function reports a failure."""
    ((_, function),) = [
        item for item in resources(template, "AWS::Lambda::Function").items() if item[0].startswith("BucketNotif")
    ]
    reports: list[str] = []

    def send(request: urllib.request.Request) -> Any:
        assert isinstance(request.data, bytes)
        reports.append(request.data.decode())
        return SimpleNamespace(__enter__=lambda _: io.BytesIO(), __exit__=lambda *_: None)

    monkeypatch.setattr(urllib.request, "urlopen", send)
    code: dict[str, Any] = {}
    exec(function["Properties"]["Code"]["ZipFile"], code)

    def handle_event(kind: str, properties: dict[str, Any], old: dict[str, Any] | None = None) -> None:
        event = {"RequestType": kind, "ResourceProperties": properties, "StackId": STACK, "RequestId": "1"}
        event |= {"LogicalResourceId": "Notifications", "ResponseURL": "https://nowhere.example"}
        event |= {"OldResourceProperties": old} if old else {}
        code["handler"](event, SimpleNamespace(log_stream_name="log"))
        assert '"SUCCESS"' in reports[-1], reports[-1]

    return handle_event


def properties_of(template: Template, bucket: str) -> dict[str, Any]:
    """The properties of the template's notification, with this bucket and the queue in place of references."""
    _, properties = only(template, "Custom::S3BucketNotifications", "")
    queues = [one | {"QueueArn": OURS} for one in properties["NotificationConfiguration"]["QueueConfigurations"]]
    return {
        "BucketName": bucket,
        "NotificationConfiguration": {"QueueConfigurations": queues},
        "Managed": str(properties["Managed"]).lower(),
    }


def queues_of(s3: "S3Client", bucket: str) -> set[str]:
    configured = s3.get_bucket_notification_configuration(Bucket=bucket)["QueueConfigurations"]
    return {one["QueueArn"].rpartition(":")[2] for one in configured}


def test_notifications_of_others_survive_every_deployment_on_a_bucket_that_the_stack_made(
    handle: Any, template: Template, s3: "S3Client"
) -> None:
    properties = properties_of(template, "new")
    handle("Create", properties)
    assert queues_of(s3, "new") == {"ours", "theirs"}
    narrowed = properties | {
        "NotificationConfiguration": {"QueueConfigurations": [{"QueueArn": OURS, "Events": ["s3:ObjectCreated:Put"]}]}
    }
    handle("Update", narrowed, old=properties)
    assert queues_of(s3, "new") == {"ours", "theirs"}
    handle("Delete", narrowed)
    assert queues_of(s3, "new") == {"theirs"}


def test_a_changed_bucket_of_images_leaves_nothing_on_the_former_one(
    handle: Any, synthesize: Synthesize, s3: "S3Client"
) -> None:
    """The resources differ, so CloudFormation makes the new one and then deletes the former."""
    former, new = (synthesize(images_bucket=name) for name in ("former", "new"))
    assert set(resources(former, "Custom::S3BucketNotifications")) != set(
        resources(new, "Custom::S3BucketNotifications")
    )
    handle("Create", properties_of(former, "former"))
    handle("Create", properties_of(new, "new"))
    handle("Delete", properties_of(former, "former"))
    assert (queues_of(s3, "former"), queues_of(s3, "new")) == ({"theirs"}, {"ours", "theirs"})
