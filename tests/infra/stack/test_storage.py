"""Promises about stored images and results."""

import json
from typing import Any

import pytest
from aws_cdk.assertions import Template

from infra.tools.paths import PROJECT
from tests.infra.templates import KEY, Synthesize, actions, only, resources, statements

BUCKET, POLICY = "AWS::S3::Bucket", "AWS::S3::BucketPolicy"


def lifecycle_rules(template: Template, bucket: str) -> list[dict[str, Any]]:
    """All rules of a bucket, without the status, which is the same in all."""
    _, properties = only(template, BUCKET, bucket)
    rules: list[dict[str, Any]] = properties["LifecycleConfiguration"]["Rules"]
    assert all(rule.pop("Status") == "Enabled" for rule in rules)
    return rules


def lifecycle(template: Template, bucket: str) -> dict[str, dict[str, Any]]:
    """Rules by their prefix."""
    rules = lifecycle_rules(template, bucket)
    return {rule.pop("Prefix", ""): rule for rule in rules}


@pytest.mark.parametrize("bucket", ["Images", "Results"])
def test_images_and_results_lie_in_private_encrypted_versioned_buckets(template: Template, bucket: str) -> None:
    _, properties = only(template, BUCKET, bucket)
    assert properties["PublicAccessBlockConfiguration"] == {
        "BlockPublicAcls": True,
        "BlockPublicPolicy": True,
        "IgnorePublicAcls": True,
        "RestrictPublicBuckets": True,
    }
    encryption = {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    assert properties["BucketEncryption"] == {"ServerSideEncryptionConfiguration": [encryption]}
    assert properties["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    assert properties["VersioningConfiguration"] == {"Status": "Enabled"}


def test_destroying_the_stack_keeps_all_data_with_its_policies_and_the_key_to_it(synthesize: Synthesize) -> None:
    """What a failed first deployment made goes with it: it holds nothing yet, and its name would be in the way."""
    template = synthesize(kms_key="own", access_logs=True)
    for kind in (BUCKET, POLICY, "AWS::KMS::Key"):
        template.all_resources(kind, {"DeletionPolicy": "RetainExceptOnCreate", "UpdateReplacePolicy": "Retain"})
    assert len(resources(template, POLICY)) == len(resources(template, BUCKET)) == 3


def test_uploads_that_were_never_completed_are_removed_after_a_week(template: Template) -> None:
    for bucket in ("Images", "Results"):
        assert lifecycle(template, bucket)[""] == {"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7}}


def test_no_image_is_ever_deleted_by_itself(synthesize: Synthesize) -> None:
    assert set(lifecycle(synthesize(results_retention_days=30), "Images")) == {""}


def test_results_are_kept_for_good_and_only_lowered_flags_queries_and_backfills_go(template: Template) -> None:
    rules = lifecycle(template, "Results")
    assert set(rules) == {"", "review/", "queries/", "backfills/"}
    assert rules["review/"] == {
        "NoncurrentVersionExpiration": {"NoncurrentDays": 30},
        "ExpiredObjectDeleteMarker": True,
    }
    assert rules["queries/"]["ExpirationInDays"] == 30


@pytest.mark.parametrize(("days", "queries", "backfills"), [(365, 30, 90), (60, 30, 60), (7, 7, 7)])
def test_results_go_after_the_days_that_were_chosen_and_nothing_of_them_stays_longer(
    synthesize: Synthesize, days: int, queries: int, backfills: int
) -> None:
    rules = lifecycle(synthesize(results_retention_days=days), "Results")
    for prefix in ("results/", "review/", "ledger/"):
        assert rules[prefix]["ExpirationInDays"] == days
    assert (rules["queries/"]["ExpirationInDays"], rules["backfills/"]["ExpirationInDays"]) == (queries, backfills)
    for prefix in set(rules) - {""}:
        assert rules[prefix]["NoncurrentVersionExpiration"] == {"NoncurrentDays": 1}
    assert "labels/" not in rules


def test_access_logs_go_for_good_after_six_years(synthesize: Synthesize) -> None:
    rules = lifecycle_rules(synthesize(access_logs=True), "AccessLogs")
    assert {"ExpirationInDays": 2192, "NoncurrentVersionExpiration": {"NoncurrentDays": 1}} in rules


@pytest.mark.parametrize("bucket", ["Images", "Results", "AccessLogs"])
def test_buckets_refuse_requests_without_tls_1_2(synthesize: Synthesize, bucket: str) -> None:
    denied = [s for s in statements(synthesize(access_logs=True), bucket, POLICY) if s["Effect"] == "Deny"]
    conditions = [s["Condition"] for s in denied if s["Action"] == "s3:*" and s["Principal"] == {"AWS": "*"}]
    assert {"Bool": {"aws:SecureTransport": "false"}} in conditions
    assert {"NumericLessThan": {"s3:TlsVersion": 1.2}} in conditions


def test_a_key_of_its_own_rotates_and_encrypts_buckets_and_logs(synthesize: Synthesize) -> None:
    template = synthesize(kms_key="own")
    key, properties = only(template, "AWS::KMS::Key", "")
    arn = {"Fn::GetAtt": [key, "Arn"]}
    assert properties["EnableKeyRotation"]
    encryption = {
        "BucketKeyEnabled": True,
        "ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": arn},
    }
    template.all_resources_properties(BUCKET, {"BucketEncryption": {"ServerSideEncryptionConfiguration": [encryption]}})
    template.all_resources_properties("AWS::Logs::LogGroup", {"KmsKeyId": arn})


def test_a_key_that_is_named_needs_the_policy_that_the_documentation_gives(synthesize: Synthesize) -> None:
    policy = only(synthesize(kms_key="own"), "AWS::KMS::Key", "")[1]["KeyPolicy"]

    def as_documented(value: Any) -> Any:
        match value:
            case {"Fn::Join": ["", parts]}:
                return "".join(map(as_documented, parts))
            case {"Ref": name}:
                return {"AWS::Partition": "PARTITION", "AWS::AccountId": "ACCOUNT", "AWS::Region": "REGION"}[name]
            case dict():
                return {key: as_documented(part) for key, part in value.items()}
            case list():
                return [as_documented(part) for part in value]
            case _:
                return value

    documented = (PROJECT / "docs" / "aws.md").read_text("utf-8").split("```json\n")[1].split("```")[0]
    assert as_documented(policy) == json.loads(documented)


def test_the_function_may_use_a_key_that_is_named_and_no_other(synthesize: Synthesize) -> None:
    template = synthesize(kms_key=KEY)
    assert not resources(template, "AWS::KMS::Key")
    uses = {s["Sid"]: (actions(s), s["Resource"]) for s in statements(template) if "kms:" in str(s["Action"])}
    assert uses == {
        "DecryptImages": ({"kms:Decrypt"}, KEY),
        "EncryptResults": ({"kms:Decrypt", "kms:GenerateDataKey"}, KEY),
    }


def test_images_in_an_existing_bucket_with_a_key_of_its_own_can_be_read(synthesize: Synthesize) -> None:
    uses = [s for s in statements(synthesize(images_bucket="our-slides", images_kms_key=KEY)) if "kms:" in str(s)]
    assert [(actions(s), s["Resource"]) for s in uses] == [({"kms:Decrypt"}, KEY)]


def test_access_logs_go_to_a_bucket_that_only_s3_writes_to(synthesize: Synthesize) -> None:
    template = synthesize(access_logs=True, kms_key="own")
    logs, properties = only(template, BUCKET, "AccessLogs")
    assert "LoggingConfiguration" not in properties
    for bucket in ("Images", "Results"):
        _, logged = only(template, BUCKET, f"Storage{bucket}")
        assert logged["LoggingConfiguration"] == {
            "DestinationBucketName": {"Ref": logs},
            "LogFilePrefix": f"{bucket.lower()}/",
        }
    allowed = [s for s in statements(template, "AccessLogs", POLICY) if s["Effect"] == "Allow"]
    assert {str(s["Principal"]) for s in allowed} == {"{'Service': 'logging.s3.amazonaws.com'}"}
    assert {"s3:PutObject"} == set().union(*map(actions, allowed))


def test_an_existing_bucket_can_be_named(synthesize: Synthesize) -> None:
    template = synthesize(images_bucket="our-slides")
    assert not [name for name in resources(template, BUCKET) if "Images" in name]
    template.has_resource_properties("Custom::S3BucketNotifications", {"BucketName": "our-slides", "Managed": False})
    (reading,) = [s for s in statements(template) if "s3:GetObjectVersion" in s["Action"]]
    assert reading["Resource"] == {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, ":s3:::our-slides/*"]]}


def test_a_bucket_of_results_that_an_earlier_stack_left_can_be_taken_over(synthesize: Synthesize) -> None:
    template = synthesize(results_bucket="our-results", results_kms_key=KEY)
    assert not [name for name in resources(template, BUCKET) if "Results" in name]
    assert template.to_json()["Outputs"]["ResultsBucketName"] == {"Value": "our-results"}
    _, function = only(template, "AWS::Lambda::Function", "ScoringFunction")
    assert function["Environment"]["Variables"]["RESULTS_BUCKET"] == "our-results"
    uses = {s["Sid"]: (actions(s), s["Resource"]) for s in statements(template) if "kms:" in str(s["Action"])}
    assert uses == {"EncryptResults": ({"kms:Decrypt", "kms:GenerateDataKey"}, KEY)}
    reached = {prefix for s in statements(template) for prefix in str(s["Resource"]).split("our-results")[1:]}
    prefixes = {prefix[:9] for prefix in reached if prefix[0] == "/"}
    assert prefixes == {"/results/", "/review/*", "/ledger/*", "/labels/*"}


def test_what_former_keys_encrypted_can_be_read_and_nothing_new_is_encrypted_with_them(
    synthesize: Synthesize,
) -> None:
    former = KEY.replace("1234abcd", "98765432")
    template = synthesize(kms_key="own", former_kms_keys=(former, KEY))
    for role in ("ScoringRole", "BackfillRole"):
        (use,) = [s for s in statements(template, role) if KEY in json.dumps(s)]
        assert (actions(use), use["Resource"]) == ({"kms:Decrypt"}, [former, KEY])


def notification(template: Template) -> str:
    (name,) = resources(template, "Custom::S3BucketNotifications")
    return name


def test_each_bucket_has_a_notification_of_its_own_and_the_same_bucket_always_the_same(
    synthesize: Synthesize, template: Template
) -> None:
    """CloudFormation then ends the notification of a bucket that the settings no longer name."""
    ours, theirs = (synthesize(images_bucket=name) for name in ("our-slides", "their-slides"))
    assert len({notification(one) for one in (ours, theirs, template)}) == 3
    again = synthesize(images_bucket="our-slides", images_kms_key=KEY, memory_mb=3008, results_bucket="our-results")
    assert notification(again) == notification(ours)


@pytest.mark.parametrize("choices", [{}, {"images_bucket": "our-slides"}, {"target": "local"}])
def test_notifications_that_others_added_to_the_bucket_stay(synthesize: Synthesize, choices: dict[str, Any]) -> None:
    synthesize(**choices).all_resources_properties("Custom::S3BucketNotifications", {"Managed": False})


def test_hipaa_puts_queues_and_state_machine_under_the_key_and_lets_s3_send(synthesize: Synthesize) -> None:
    template = synthesize(hipaa=True)
    key, properties = only(template, "AWS::KMS::Key", "")
    arn = {"Fn::GetAtt": [key, "Arn"]}
    template.all_resources_properties("AWS::SQS::Queue", {"KmsMasterKeyId": arn})
    template.all_resources_properties(
        "AWS::StepFunctions::StateMachine",
        {"EncryptionConfiguration": {"KmsKeyId": arn, "Type": "CUSTOMER_MANAGED_KMS_KEY"}},
    )
    account = {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
    (sending,) = [
        s for s in properties["KeyPolicy"]["Statement"] if s["Principal"].get("Service") == "s3.amazonaws.com"
    ]
    assert (actions(sending), sending["Condition"]) == ({"kms:Decrypt", "kms:GenerateDataKey*"}, account)
    without_condition = [s for s in properties["KeyPolicy"]["Statement"] if "Condition" not in s]
    assert [list(statement["Principal"]) for statement in without_condition] == [["AWS"]]
    (outcome,) = [s for s in statements(template, "BackfillRole") if s.get("Sid") == "EncryptExecutions"]
    assert (actions(outcome), outcome["Resource"]) == ({"kms:Decrypt", "kms:GenerateDataKey"}, arn)


def test_everything_carries_the_tags_that_a_bill_is_split_by(synthesize: Synthesize) -> None:
    tags = [
        {"Key": "application", "Value": "cellflag"},
        {"Key": "stage", "Value": "lab"},
        {"Key": "team", "Value": "a"},
    ]
    template = synthesize(stage="lab", tags="team=a")
    for kind in (BUCKET, "AWS::Lambda::Function", "AWS::SQS::Queue", "AWS::StepFunctions::StateMachine"):
        for name, resource in resources(template, kind).items():
            if not name.startswith("BucketNotificationsHandler"):
                assert [tag for tag in resource["Properties"]["Tags"] if not tag["Key"].startswith("aws-")] == tags
