"""The ledger's table and its database: columns, days, limits and encryption."""

import json
import re
from typing import Any, get_args, get_type_hints, is_typeddict

import pytest
from aws_cdk.assertions import Template

from infra import prices
from infra.stack.ledger import COLUMNS, query_names
from infra.tools.paths import LAMBDA_PACKAGE
from lambda_fn.results import (
    LedgerLine,
)
from tests.infra.stack.test_ledger import BATCHES, DAYS
from tests.infra.templates import KEY, Synthesize, only, resources


def test_every_field_of_a_result_is_a_column(template: Template) -> None:
    _, properties = only(template, "AWS::Glue::Table", "Ledger")
    columns = {column["Name"]: column["Type"] for column in properties["TableInput"]["StorageDescriptor"]["Columns"]}
    schema = json.loads((LAMBDA_PACKAGE / "result.schema.json").read_text("utf-8"))["properties"]
    assert set(columns) == set(schema) | {"outcome"}
    for name in ("image", "timing_ms", "model", "error"):
        fields = BATCHES[DAYS[0]][3][0][name]
        assert set(re.findall(r"(\w+):", columns[name])) == set(fields)


@pytest.mark.parametrize(("name", "part"), get_type_hints(LedgerLine).items())
def test_a_column_has_the_fields_of_its_part_of_a_ledger_line(name: str, part: Any) -> None:
    assert re.findall(r"(\w+):", COLUMNS[name]) == fields_of(part)


def fields_of(part: Any) -> list[str]:
    """The names of the fields of a typed dictionary and of those within it, in order; a line has no map."""
    names: list[str] = []
    for kind in (part, *get_args(part)):
        if is_typeddict(kind):
            for name, inner in get_type_hints(kind).items():
                names += [name, *fields_of(inner)] if name != "map" else []
    return names


def test_the_ledger_has_no_other_columns_than_its_lines() -> None:
    assert list(COLUMNS.keys() - get_type_hints(LedgerLine).keys()) == []


def test_days_are_projected_from_the_keys_without_a_crawler(template: Template) -> None:
    results, _ = only(template, "AWS::S3::Bucket", "Results")
    table = only(template, "AWS::Glue::Table", "Ledger")[1]["TableInput"]
    parameters = table["Parameters"]
    assert parameters["storage.location.template"] == {
        "Fn::Join": ["", ["s3://", {"Ref": results}, "/ledger/dt=${dt}/"]]
    }
    assert (parameters["projection.dt.type"], parameters["projection.dt.format"]) == ("date", "yyyy-MM-dd")
    assert parameters["projection.dt.range"] == "2026-11-01,NOW"
    assert [key["Name"] for key in table["PartitionKeys"]] == ["dt"]
    assert not resources(template, "AWS::Glue::Crawler")


def test_a_query_that_reads_over_100_gb_and_costs_half_a_dollar_is_ended(template: Template) -> None:
    workgroup = only(template, "AWS::Athena::WorkGroup", "Ledger")[1]["WorkGroupConfiguration"]
    assert workgroup["BytesScannedCutoffPerQuery"] == 100 * 1000**3
    assert workgroup["BytesScannedCutoffPerQuery"] / 1000**4 * prices.ATHENA_TB_SCANNED == 0.5
    assert workgroup["EnforceWorkGroupConfiguration"] is True


@pytest.mark.parametrize(("key", "option"), [(None, "SSE_S3"), (KEY, "SSE_KMS")])
def test_what_a_query_finds_is_encrypted_like_the_results(synthesize: Synthesize, key: str | None, option: str) -> None:
    _, workgroup = only(synthesize(kms_key=key), "AWS::Athena::WorkGroup", "Ledger")
    configuration = workgroup["WorkGroupConfiguration"]["ResultConfiguration"]
    assert configuration["EncryptionConfiguration"]["EncryptionOption"] == option
    assert configuration["OutputLocation"]["Fn::Join"][1][-1] == "/queries/"


def test_queries_have_names_and_a_database_of_this_deployment(synthesize: Synthesize) -> None:
    named = resources(synthesize(), "AWS::Athena::NamedQuery").values()
    assert sorted(resource["Properties"]["Name"] for resource in named) == query_names()
    assert {resource["Properties"]["WorkGroup"] for resource in named} == {"cellflag-test"}
