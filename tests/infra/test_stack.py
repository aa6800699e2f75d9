"""What the stack promises as a whole."""

from aws_cdk.assertions import Template

from infra.bundling import Target
from tests.infra.templates import Synthesize, only, resources

NAMES = {"ImagesBucketName", "ResultsBucketName", "QueueUrl", "DeadLetterQueueUrl", "FunctionName", "BackfillArn"}


def test_users_are_told_the_names_that_they_need(template: Template) -> None:
    assert set(template.to_json()["Outputs"]) == NAMES


def test_the_local_target_changes_what_the_function_runs_on_and_leaves_out_what_the_local_cloud_lacks(
    synthesize: Synthesize, template: Template
) -> None:
    function, _ = only(template, "AWS::Lambda::Function", "ScoringFunction")
    version, _ = only(template, "AWS::Lambda::Version", "")
    local = synthesize(Target("local", "3.11", "x86_64", None), target="local").to_json()["Resources"]
    aws = template.to_json()["Resources"]
    queries = set(resources(template, "AWS::Athena::NamedQuery"))
    assert set(aws) - set(local) == {version} | queries  # a version's name is a digest of what it runs on, too
    properties = local[function]["Properties"]
    assert (properties.pop("Runtime"), properties.pop("Architectures")) == ("python3.11", ["x86_64"])
    for name in ("Runtime", "Architectures"):
        del aws[function]["Properties"][name]
    assert local[function] == aws[function]
