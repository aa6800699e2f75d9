"""Reports in FHIR, checked by fhir.resources: in R4B, whose resources here have the fields of R4."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.R4B.bundle import Bundle

from infra.slide_report.answers import PersonsAnswer
from infra.slide_report.facts import ReportFacts
from infra.slide_report.fhir import to_bundle, write_fhir
from infra.slide_report.gathering import Gathered, gather
from infra.slide_report.promise_state import PromisedRate, PromiseState
from tests.infra.slide_report.material import SERVED, answer, facts, result

CELLS = [result(f"p7/{number}.bmp", probability) for number, probability in enumerate((0.9, 0.9, 0.6, 0.4, 0.1))]
ANSWERS = {
    "p7/0.bmp": answer(CELLS[0], "ALL", "Grace", audit=True),
    "p7/2.bmp": answer(CELLS[2], "normal", "Ada"),
}


def gathered(count: int = 5, answers: dict[str, PersonsAnswer] | None = None) -> Gathered:
    found = gather(iter([*CELLS[:count], result("p7/torn.bmp", None)]), answers or {}, 0)
    assert found
    return found


def resources(bundle: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [entry["resource"] for entry in bundle["entry"] if entry["resource"]["resourceType"] == kind]


def observed(bundle: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {each["code"]["coding"][0]["code"]: each for each in resources(bundle, "Observation")}


def components(observation: dict[str, Any]) -> dict[str, float]:
    return {each["code"]["coding"][0]["code"]: each["valueQuantity"]["value"] for each in observation["component"]}


PROMISE = PromiseState(
    (
        PromisedRate("all_decided_normal", "ALL decided normal", 0.04, 0.021, (0.005, 0.034), 210, "holds", "holds"),
        PromisedRate("normal_decided_all", "normal decided ALL", 0.1, None, None, 0, "open", "cannot be said yet"),
    ),
    ("210 of 3,000 decided cells were audited blind.",),
)
TESTED = replace(facts(), promise=PROMISE)


@pytest.mark.parametrize("about", [facts(), TESTED], ids=["promise not tested", "promise tested"])
@pytest.mark.parametrize("found", [gathered(5, ANSWERS), gathered(2)], ids=["answered", "few cells"])
def test_the_written_file_is_a_valid_bundle(found: Gathered, about: ReportFacts, tmp_path: Path) -> None:
    write_fhir(tmp_path / "report.json", found, about)
    text = (tmp_path / "report.json").read_text("utf-8")
    bundle = Bundle.model_validate_json(text)
    assert json.loads(bundle.model_dump_json()) == json.loads(text)


def test_the_validation_would_notice_a_field_that_r4_lacks() -> None:
    bundle = to_bundle(gathered(), facts())
    bundle["entry"][0]["resource"]["verdict"] = "ALL"
    with pytest.raises(ValueError, match="verdict"):
        Bundle.model_validate(bundle)


def test_the_report_is_preliminary_labelled_as_a_models_and_refers_to_all_observations() -> None:
    bundle = to_bundle(gathered(5, ANSWERS), facts())
    (report,) = resources(bundle, "DiagnosticReport")
    assert report["status"] == "preliminary"
    assert all(each["status"] == "preliminary" for each in observed(bundle).values())
    for resource in (bundle, report, *observed(bundle).values()):
        assert [code["code"] for code in resource["meta"]["security"]] == ["AIAST"]
    urls = [entry["fullUrl"] for entry in bundle["entry"] if entry["resource"]["resourceType"] == "Observation"]
    assert [each["reference"] for each in report["result"]] == urls
    assert "not a medical device" in report["text"]["div"]
    assert "conclusion" not in report


def test_every_reference_leads_to_a_resource_of_the_bundle() -> None:
    bundle = to_bundle(gathered(5, ANSWERS), facts())
    urls = [entry["fullUrl"] for entry in bundle["entry"]]
    assert len(set(urls)) == len(urls)

    def references(value: Any) -> list[str]:
        if isinstance(value, list):
            return [each for part in value for each in references(part)]
        if isinstance(value, dict):
            own = [value["reference"]] if "reference" in value else []
            return own + [each for part in value.values() for each in references(part)]
        return []

    assert set(references(bundle)) <= set(urls)


def test_counts_shares_and_agreement_are_those_of_the_page() -> None:
    found = gathered(5, ANSWERS)
    by_code = observed(to_bundle(found, facts()))
    assert by_code["images"]["valueQuantity"]["value"] == 6
    assert components(by_code["images"]) == {"decided-all": 2, "decided-normal": 1, "for-review": 2, "rejected": 1}
    assert by_code["share-all"]["valueQuantity"]["value"] == 0.6
    interval = components(by_code["share-all"])
    assert interval["interval-low"] < 0.6 < interval["interval-high"]
    assert by_code["mean-probability-all"]["valueQuantity"]["value"] == 0.58
    assert by_code["agreement"]["valueQuantity"]["value"] == 2
    assert components(by_code["agreement"]) == {
        "compared-flag": 1, "agree-flag": 0, "compared-audit": 1, "agree-audit": 1,
    }  # fmt: skip


def test_the_state_of_the_promise_is_that_of_the_page() -> None:
    by_code = observed(to_bundle(gathered(), TESTED))
    holds, unsaid = by_code["promise-all-decided-normal"], by_code["promise-normal-decided-all"]
    assert holds["valueQuantity"]["value"] == 0.021
    assert components(holds) == {"promised": 0.04, "audited": 210, "interval-low": 0.005, "interval-high": 0.034}
    assert [each["coding"][0]["code"] for each in holds["interpretation"]] == ["promise-holds"]
    assert holds["note"] == [{"text": "210 of 3,000 decided cells were audited blind."}]
    assert "valueQuantity" not in unsaid
    assert unsaid["dataAbsentReason"]["text"] == unsaid["interpretation"][0]["text"] == "cannot be said yet"
    assert not [code for code in observed(to_bundle(gathered(), facts())) if code.startswith("promise")]


def test_known_subjects_stand_beside_the_share_and_are_no_reference_range() -> None:
    bundle = to_bundle(gathered(), facts())
    by_code, known = observed(bundle), SERVED.known_subjects
    assert known
    for of_class, spread in (("all", known.all), ("normal", known.normal)):
        stated = components(by_code[f"known-subjects-{of_class}"])
        assert stated["subjects"] == spread.subjects
        assert (stated["lowest"], stated["highest"]) == pytest.approx(
            (spread.share_all.lowest, spread.share_all.highest), abs=1e-4
        )
    assert "referenceRange" not in json.dumps(bundle)
    assert not [code for code in observed(to_bundle(gathered(2), facts())) if code.startswith("known")]


def test_of_another_model_it_says_why_there_is_no_comparison() -> None:
    other = gather(iter([result(f"{n}.bmp", 0.9, model={"version": "o", "sha256": "0" * 64}) for n in range(6)]), {}, 0)
    assert other
    by_code = observed(to_bundle(other, facts()))
    assert "another model gave these results" in by_code["share-all"]["note"][-1]["text"]
    assert "known-subjects-all" not in by_code


def test_of_few_cells_no_share_is_stated() -> None:
    by_code = observed(to_bundle(gathered(2), facts()))
    for code in ("share-all", "mean-probability-all"):
        assert "valueQuantity" not in by_code[code]
        assert by_code[code]["dataAbsentReason"]["text"] == "under 5 cells"
    assert "agreement" not in by_code


def test_the_device_is_the_model_and_people_are_named_for_what_they_answered() -> None:
    bundle = to_bundle(gathered(5, ANSWERS), facts())
    (device,) = resources(bundle, "Device")
    assert device["version"] == [{"value": SERVED.version}]
    assert device["identifier"][0]["value"] == SERVED.sha256
    models, people = resources(bundle, "Provenance")
    assert len(models["target"]) == 7
    assert [agent["who"]["display"] for agent in people["agent"]] == ["Ada", "Grace"]
    assert {agent["type"]["coding"][0]["code"] for agent in people["agent"]} == {"verifier"}


def test_no_code_of_a_differential_count_is_used() -> None:
    assert "loinc" not in json.dumps(to_bundle(gathered(5, ANSWERS), facts())).lower()


def test_the_same_report_has_the_same_identifiers() -> None:
    one, other, another = (to_bundle(gathered(), facts(prefix)) for prefix in ("p7/", "p7/", "p8/"))
    assert one == other
    assert one["identifier"] != another["identifier"]


def test_a_hostile_prefix_is_text(tmp_path: Path) -> None:
    write_fhir(tmp_path / "report.json", gathered(), facts("\u202e<b>\udc80"))
    bundle = json.loads((tmp_path / "report.json").read_text("utf-8"))
    (report,) = resources(bundle, "DiagnosticReport")
    assert report["subject"]["identifier"]["value"] == "\\u202e<b>\\x80"
