"""Writes a report as a Bundle of FHIR R4: for a laboratory's own system, which maps the prefix to its subject."""

import json
from html import escape
from pathlib import Path
from typing import Any

from infra.slide_report.facts import ReportFacts
from infra.slide_report.fhir_observations import observations
from infra.slide_report.fhir_parts import AI_ASSERTED, DIGESTS, PREFIXES, Part, coded, full_url, local_code
from infra.slide_report.gathering import Gathered
from lambda_fn.slides import NOTES
from lambda_fn.terminal import printable

# What people must read, beside the notes on shares.
RESEARCH_USE = "Research use only: this is not a medical device, and no diagnosis may rest on it."
DENOMINATOR = "The images are those that were uploaded. They are no count of leukocytes."


def write_fhir(path: Path, gathered: Gathered, facts: ReportFacts) -> None:
    """Write a Bundle of the type ``collection``.

    Args:
        path: the file.
        gathered: what the report states.
        facts: what it is about.

    Raises:
        OSError: the file cannot be written.
    """
    text = json.dumps(_printable(to_bundle(gathered, facts)), ensure_ascii=False, indent=1, allow_nan=False)
    path.write_text(text, "utf-8")


def to_bundle(gathered: Gathered, facts: ReportFacts) -> Part:
    """Return the Bundle as JSON values.

    It holds a DiagnosticReport, which is ``preliminary`` and never final, because no diagnosis may rest on it; its
    Observations; a Device for each model; and Provenance: the models state, and people answered. The subject is a
    logical reference, the prefix of the images' keys. There is no data on a patient.
    """
    names = (facts.source, facts.prefix, gathered.first, gathered.last, f"{facts.made_at:%Y-%m-%dT%H:%M:%SZ}")
    subject = {"identifier": {"system": PREFIXES, "value": facts.prefix or "(all images)"}}
    devices = {
        full_url("device", version, sha256): _device(version, sha256) for version, sha256 in sorted(gathered.models)
    }
    observed: dict[str, Part] = {}
    for observation in observations(gathered, facts):
        code = observation["code"]["coding"][0]["code"]
        own = {"subject": subject, "issued": names[-1]}
        if len(devices) == 1:
            own["device"] = {"reference": next(iter(devices))}
        observed[full_url(code, *names)] = observation | own
    report_url = full_url("report", *names)
    report = {
        "resourceType": "DiagnosticReport",
        "meta": AI_ASSERTED,
        "text": _narrative([RESEARCH_USE, DENOMINATOR, *NOTES]),
        "status": "preliminary",
        "code": local_code("cell-report", "Single-cell images scored for acute lymphoblastic leukaemia"),
        "subject": subject,
        "issued": names[-1],
        "result": [{"reference": url} for url in observed],
    }
    by_models = [
        {"type": coded("provenance-participant-type", "assembler", "Assembler"), "who": {"reference": url}}
        for url in devices
    ]
    entries = {report_url: report, **observed, **devices}
    entries[full_url("models", *names)] = _provenance([report_url, *observed], names[-1], by_models)
    if people := sorted(gathered.agreement.reviewers):
        verifier = coded("provenance-participant-type", "verifier", "Verifier")
        agents = [{"type": verifier, "who": {"display": name.strip() or "(no name)"}} for name in people]
        answered = full_url("agreement", *names)
        entries[full_url("people", *names)] = _provenance([answered], names[-1], agents)
    return {
        "resourceType": "Bundle",
        "meta": AI_ASSERTED,
        "identifier": {"system": "urn:ietf:rfc:3986", "value": full_url("bundle", *names)},
        "type": "collection",
        "timestamp": names[-1],
        "entry": [{"fullUrl": url, "resource": resource} for url, resource in entries.items()],
    }


def _device(version: str, sha256: str) -> Part:
    return {
        "resourceType": "Device",
        "identifier": [{"system": DIGESTS, "value": sha256}],
        "deviceName": [{"name": f"cellflag, model {version}", "type": "model-name"}],
        "version": [{"value": version}],
        "type": local_code("model", "Machine-learning model"),
        "note": [{"text": RESEARCH_USE}],
    }


def _provenance(targets: list[str], recorded: str, agents: list[Part]) -> Part:
    return {
        "resourceType": "Provenance",
        "target": [{"reference": url} for url in targets],
        "recorded": recorded,
        "agent": agents,
    }


def _narrative(sentences: list[str]) -> Part:
    paragraphs = "".join(f"<p>{escape(sentence)}</p>" for sentence in sentences)
    return {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{paragraphs}</div>'}


def _printable(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """Escape characters that turn text around or that no file can hold: anybody may choose the keys of images."""
    match value:
        case str():
            return printable(value)
        case list():
            return [_printable(each) for each in value]
        case dict():
            return {name: _printable(each) for name, each in value.items()}
    return value
