"""The command `cdk`: it runs as from the project's folder, and asks before it changes buckets or keys."""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3
import click
import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from infra.errors import InfraError
from infra.settings.configuration import Configuration
from infra.tools import cdk, confirmation
from infra.tools.cdk_arguments import CdkArguments
from infra.tools.changes import ForbiddenChangeError, changes
from infra.tools.confirmation import UnconfirmedChangeError, confirm_changes
from infra.tools.paths import PROJECT

KEY = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
OTHER = KEY.replace("1234abcd", "98765432")
MADE_HERE = {"ImagesBucketName": "made-images", "ResultsBucketName": "made-results"}


def deployed(key: str | None = None, images: str = "made-images", **settings: Any) -> dict[str, str]:
    """The outputs of a stack with these settings; `key` is the key in use."""
    outputs = MADE_HERE | {"ImagesBucketName": images, "Settings": Configuration(**settings).in_force()}
    return outputs | ({"KeyArn": key} if key else {})


@pytest.mark.parametrize(
    ("given_arguments", "command"),
    [
        (["deploy"], "deploy"),
        (["-c", "stage=deploy", "diff"], "diff"),
        (["--context", "deploy", "synth"], "synth"),
        (["-cstage=lab", "--profile", "diff", "deploy", "cellflag-lab"], "deploy"),
        (["--profile=deploy", "ls"], "ls"),
        (["--version"], None),
        (["-o", "deploy", "--", "destroy"], "destroy"),
    ],
)
def test_the_command_is_the_first_word_that_is_no_options_value(
    given_arguments: list[str], command: str | None
) -> None:
    assert CdkArguments.read(given_arguments).command == command


@pytest.mark.parametrize(
    ("given_arguments", "from_root"),
    [
        (["deploy", "-O", "out.json"], ["deploy", "--outputs-file=/here/out.json"]),
        (["deploy", "--outputs-file=out/a.json"], ["deploy", "--outputs-file=/here/out/a.json"]),
        (["deploy", "--outputsFile", "a.json"], ["deploy", "--outputs-file=/here/a.json"]),
        (["synth", "-o../cdk.out", "-q"], ["synth", "--output=/here/../cdk.out", "-q"]),
        (["synth", "--output", "/tmp/out"], ["synth", "--output=/tmp/out"]),
        (["deploy", "-c", "a=b", "-c=c=d", "-ve"], ["deploy", "--context=a=b", "--context=c=d", "-ve"]),
        (["deploy", "--app", "python app.py"], ["deploy", "--app=python app.py"]),
        (["deploy", "--require-approval", "never"], ["deploy", "--require-approval", "never"]),
        (["diff", "--template", "old.json"], ["diff", "--template=/here/old.json"]),
    ],
)
def test_paths_among_the_arguments_refer_to_the_folder_that_the_user_is_in(
    given_arguments: list[str], from_root: list[str]
) -> None:
    assert CdkArguments.read(given_arguments).as_from_root(Path("/here")) == from_root


@given(st.lists(st.sampled_from(["deploy", "-c", "a=b", "--output", "-o", "x", "--app=", "--", "-v", "--", "", "-"])))
def test_rewriting_twice_changes_nothing_more(given_arguments: list[str]) -> None:
    once = CdkArguments.read(given_arguments).as_from_root(Path("/here"))
    assert CdkArguments.read(once).as_from_root(Path("/elsewhere")) == once


def test_an_assembly_in_the_users_folder_is_named_by_its_whole_path(tmp_path: Path) -> None:
    (tmp_path / "cdk.out").mkdir()
    assert CdkArguments.read(["deploy", "-a", "cdk.out"]).as_from_root(tmp_path) == [
        "deploy",
        f"--app={tmp_path}/cdk.out",
    ]


def test_cdk_runs_in_the_projects_folder_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[tuple[Path, list[str]]] = []

    class Replaced(Exception):  # noqa: N818 - it stands for the process's end
        pass

    def replace_process(_: str, command: list[str], __: Mapping[str, str]) -> None:
        ran.append((Path.cwd(), command[2:]))
        raise Replaced

    monkeypatch.setattr(os, "execve", replace_process)
    monkeypatch.setattr(cdk, "cdk_script", lambda: Path("cdk"))
    monkeypatch.setattr(sys, "argv", ["cdk", "synth", "-o", "here"])
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Replaced):
        cdk.main()
    assert ran == [(PROJECT, ["synth", f"--output={tmp_path}/here"])]


def test_the_context_is_read_where_the_cdk_reads_it_and_the_command_line_comes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = tmp_path / "project"
    project.mkdir()
    monkeypatch.setattr("infra.tools.cdk_arguments.PROJECT", project)
    (tmp_path / ".cdk.json").write_text(json.dumps({"context": {"stage": "home", "kms_key": "own", "hipaa": True}}))
    (project / "cdk.json").write_text(json.dumps({"context": {"stage": "project", "kms_key": KEY}}))
    arguments = CdkArguments.read(["deploy", "-c", "stage=line"])
    assert arguments.context({}, tmp_path) == {"stage": "line", "kms_key": KEY, "hipaa": True}
    (project / "cdk.json").write_text("[")
    assert arguments.context({"CDK_CONTEXT": "kms_key=x"}, tmp_path)["kms_key"] == "x"


UNCHANGED: list[tuple[dict[str, str], dict[str, Any]]] = [
    (deployed(), {}),
    (deployed(), {"memory_mb": 3008}),
    (deployed(images="ours", images_bucket="ours"), {"images_bucket": "ours"}),
    (deployed(KEY, kms_key="own"), {"kms_key": "own"}),
    (deployed(KEY, kms_key="own"), {"hipaa": True}),
    (deployed(KEY, kms_key="own"), {"kms_key": KEY}),  # the key that the stack made, named
    (deployed(KEY, kms_key=KEY), {"kms_key": KEY, "former_kms_keys": (OTHER,)}),
    (MADE_HERE, {}),  # deployed by a version that did not state its settings
    (MADE_HERE, {"images_bucket": "made-images"}),
]


@pytest.mark.parametrize(("outputs", "wanted"), UNCHANGED)
def test_what_keeps_buckets_and_keys_is_no_change(outputs: dict[str, str], wanted: dict[str, Any]) -> None:
    assert changes(outputs, Configuration(**wanted)) == []


@pytest.mark.parametrize(
    ("outputs", "wanted", "setting", "words"),
    [
        (deployed(), {"images_bucket": "theirs"}, "images_bucket", "uploads to made-images are no longer scored"),
        (deployed(images="ours", images_bucket="ours"), {}, "images_bucket", "uploads to ours are no longer scored"),
        (MADE_HERE, {"images_bucket": "theirs"}, "images_bucket", "uploads to made-images"),
        (deployed(), {"results_bucket": "theirs"}, "results_bucket", "the results so far stay in made-results"),
        (deployed(), {"kms_key": "own"}, "kms_key", "encrypted with a new key of this stack"),
        (deployed(), {"kms_key": KEY}, "kms_key", f"encrypted with {KEY}"),
        (deployed(KEY, kms_key="own"), {}, "kms_key", f"add -c former_kms_keys={KEY}"),
        (deployed(KEY, kms_key="own"), {"kms_key": OTHER}, "kms_key", f"add -c former_kms_keys={KEY}"),
        (deployed(KEY, kms_key=KEY), {"kms_key": "own"}, "kms_key", f"add -c former_kms_keys={KEY}"),
        (deployed(KEY, kms_key=KEY), {"former_kms_keys": (KEY,)}, "kms_key", "encrypted with AWS's own keys"),
        (
            deployed(KEY, kms_key=KEY, former_kms_keys=(OTHER,)),
            {"kms_key": KEY},
            "kms_key",
            f"add -c former_kms_keys={OTHER}",
        ),
        (
            deployed(images="ours", images_bucket="ours", images_kms_key=KEY),
            {"images_bucket": "ours"},
            "kms_key",
            f"add -c former_kms_keys={KEY}",
        ),
    ],
)
def test_a_change_of_a_bucket_or_a_key_is_named_with_its_consequence(
    outputs: dict[str, str], wanted: dict[str, Any], setting: str, words: str
) -> None:
    (change,) = changes(outputs, Configuration(**wanted))
    assert change.setting == setting
    assert words in change.consequence


@pytest.mark.parametrize(
    ("outputs", "wanted", "words"),
    [
        (deployed(), {"images_bucket": "made-images"}, "which this stack made: leave images_bucket out"),
        (deployed(), {"images_bucket": "made-results"}, "the bucket of this stack's results"),
        (deployed(), {"results_bucket": "made-images"}, "every result would be scored as an image"),
        (MADE_HERE, {"images_bucket": "made-results"}, "the bucket of this stack's results"),
    ],
)
def test_a_bucket_of_the_stack_is_refused_in_another_part(
    outputs: dict[str, str], wanted: dict[str, Any], words: str
) -> None:
    with pytest.raises(ForbiddenChangeError, match=words):
        changes(outputs, Configuration(**wanted))


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The outputs that AWS answers with."""
    outputs = deployed(KEY, kms_key="own")
    monkeypatch.setattr(confirmation, "stack_outputs", lambda *_: outputs)
    return outputs


def run(*arguments: str) -> None:
    confirm_changes(CdkArguments.read(arguments), {"AWS_REGION": "eu-west-1"})


def test_without_a_terminal_an_unconfirmed_change_is_refused_in_words_that_help(
    aws: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(UnconfirmedChangeError, match="add -c confirm_change=images_bucket,kms_key"):
        run("deploy", "-c", "images_bucket=theirs")
    told = capsys.readouterr().err
    assert "images_bucket of cellflag-production changes: uploads to made-images are no longer scored" in told
    assert f"former_kms_keys={KEY}" in told


@pytest.mark.parametrize(
    "arguments",
    [
        ["deploy", "-c", "kms_key=own"],
        ["deploy", "-c", "confirm_change=kms_key"],
        ["deploy", "-c", "images_bucket=theirs", "-c", "confirm_change=kms_key,images_bucket"],
        ["deploy", "-c", "target=local"],
        ["deploy", "-c", "memory_mb=none"],  # the app refuses it
        ["diff"],
        ["synth"],
        ["destroy"],
    ],
)
def test_what_is_confirmed_or_changes_nothing_deployed_goes_on(aws: dict[str, str], arguments: list[str]) -> None:
    run(*arguments)


def test_a_confirmation_is_of_the_named_settings_alone(aws: dict[str, str]) -> None:
    with pytest.raises(UnconfirmedChangeError, match=r"confirm_change=kms_key$"):
        run("deploy", "-c", "images_bucket=theirs", "-c", "confirm_change=images_bucket")


def test_a_difference_lists_what_a_deployment_would_change(
    aws: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    run("diff")
    assert "kms_key of cellflag-production changes" in capsys.readouterr().err


@pytest.mark.parametrize("answer", [True, False])
def test_on_a_terminal_the_user_is_asked(aws: dict[str, str], monkeypatch: pytest.MonkeyPatch, answer: bool) -> None:
    for stream in (sys.stdin, sys.stderr):
        monkeypatch.setattr(stream, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(click, "confirm", lambda *_, **__: answer)
    if answer:
        run("deploy")
    else:
        with pytest.raises(UnconfirmedChangeError, match=r"nothing was deployed\.$"):
            run("deploy")


def test_the_settings_of_an_assembly_are_those_of_its_template(tmp_path: Path, aws: dict[str, str]) -> None:
    settings = Configuration(stage="lab", kms_key=OTHER).in_force()
    template = {"Outputs": {"Settings": {"Value": settings}}}
    (tmp_path / "cellflag-lab.template.json").write_text(json.dumps(template))
    with pytest.raises(UnconfirmedChangeError, match="confirm_change=kms_key"):
        run("deploy", "--app", str(tmp_path))


def test_who_may_only_assume_the_roles_of_bootstrapping_is_asked_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    deployer = boto3.Session("a", "b", region_name="eu-west-1")

    def outputs(session: boto3.Session, _: str) -> dict[str, str]:
        if session is not deployer:
            refusal = {"Error": {"Code": "AccessDenied", "Message": "may not perform cloudformation:DescribeStacks"}}
            raise ClientError(refusal, "DescribeStacks")  # type: ignore[arg-type] # boto3's own is longer
        return deployed(KEY, kms_key="own")

    monkeypatch.setattr(confirmation, "stack_outputs", outputs)
    monkeypatch.setattr(confirmation, "_as_deployer", lambda *_: deployer)
    with pytest.raises(UnconfirmedChangeError):
        run("deploy")


def test_if_aws_cannot_be_asked_the_cdk_fails_by_itself(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object) -> None:
        raise ClientError({"Error": {"Code": "ExpiredToken", "Message": "expired"}}, "DescribeStacks")

    monkeypatch.setattr(confirmation, "stack_outputs", refuse)
    monkeypatch.setattr(confirmation, "_as_deployer", refuse)
    run("deploy")
    assert "the settings in force cannot be compared" in capsys.readouterr().err


def test_a_refusal_ends_the_command_in_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refuse(*_: object) -> None:
        raise InfraError("nothing was deployed.")

    monkeypatch.setattr(cdk, "confirm_changes", refuse)
    monkeypatch.setattr(sys, "argv", ["cdk", "deploy"])
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        cdk.main()
    assert ended.value.code == "cdk: nothing was deployed."
