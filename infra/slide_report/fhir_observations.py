"""The observations of a report in FHIR: counts, the share of ALL, the mean probability, and what people said."""

from dataclasses import asdict

from infra.slide_report.agreement import Agreement
from infra.slide_report.facts import ReportFacts
from infra.slide_report.fhir_parts import AI_ASSERTED, Part, cells, coded, component, local_code, share
from infra.slide_report.gathering import Gathered
from infra.slide_report.known import known_subjects
from infra.slide_report.promise_state import PromisedRate
from lambda_fn.known_subjects import KnownSubjects, SubjectSpread
from lambda_fn.labels import Queue
from lambda_fn.slides import NOTES, SlideSummary

_QUEUES: dict[Queue, str] = {"flag": "cells that the model flagged", "audit": "decided cells drawn by chance"}


def observations(gathered: Gathered, facts: ReportFacts) -> list[Part]:
    """Return the observations without subject, time and device.

    Known subjects are left out if no share is stated that they could be compared with, the promise if it was not
    tested, and agreement if nobody answered.
    """
    subjects = known_subjects(gathered, facts.view)
    parts = [_counts(gathered.whole), _share(gathered.whole, subjects), _mean(gathered.whole)]
    if not isinstance(subjects, str) and gathered.whole.share_all is not None:
        parts += [
            _known("all", "subjects with ALL", subjects.all),
            _known("normal", "healthy subjects", subjects.normal),
        ]
    if facts.promise:
        parts += [_promised(rate, facts.promise.notes) for rate in facts.promise.rates]
    return [*parts, _agreement(gathered.agreement)] if gathered.agreement.answered else parts


def _observation(code: str, text: str, **fields: object) -> Part:
    return {
        "resourceType": "Observation",
        "meta": AI_ASSERTED,
        "status": "preliminary",
        "code": local_code(code, text),
        **fields,
    }


def _counts(summary: SlideSummary) -> Part:
    return _observation(
        "images",
        "Number of images",
        valueQuantity={**cells(summary.images), "unit": "images", "code": "{images}"},
        component=[
            component("decided-all", "decided ALL", cells(summary.decided_all)),
            component("decided-normal", "decided normal", cells(summary.decided_normal)),
            component("for-review", "left to a person", cells(summary.for_review)),
            component("rejected", "not scored", cells(summary.rejected)),
        ],
    )


def _share(summary: SlideSummary, subjects: KnownSubjects | str) -> Part:
    code, text = "share-all", "Share of scored cells that are likelier ALL than normal"
    scored = component("scored", "scored cells", cells(summary.scored))
    notes = [{"text": note} for note in (*NOTES, *([subjects] if isinstance(subjects, str) else []))]
    if summary.share_all is None or summary.share_all_low is None or summary.share_all_high is None:
        return _observation(code, text, dataAbsentReason=_absent(summary), note=notes, component=[scored])
    low = component("interval-low", "lower end of the 95 % interval", share(summary.share_all_low))
    high = component("interval-high", "upper end of the 95 % interval", share(summary.share_all_high))
    return _observation(code, text, valueQuantity=share(summary.share_all), note=notes, component=[scored, low, high])


def _known(of_class: str, words: str, spread: SubjectSpread) -> Part:
    """The share of ALL of a class of known subjects. It is no reference range: a share beyond it is not abnormal."""
    subjects = {**cells(spread.subjects), "unit": "subjects", "code": "{subjects}"}
    shares = asdict(spread.share_all)
    quantiles = [
        component(name.replace("_", "-"), name.replace("_", " "), share(value)) for name, value in shares.items()
    ]
    return _observation(
        f"known-subjects-{of_class}",
        f"Share of ALL of {words} on which the model was measured, each by models that never saw it: median",
        valueQuantity=share(spread.share_all.median),
        component=[component("subjects", "subjects", subjects), *quantiles],
    )


def _promised(rate: PromisedRate, notes: tuple[str, ...]) -> Part:
    """An error rate with its estimate in this laboratory."""
    components = [
        component("promised", "promised, at most", share(rate.promised)),
        component("audited", "decided cells, drawn by chance, that people answered blind", cells(rate.cells)),
    ]
    if rate.interval:
        components.append(component("interval-low", "lower end of the interval", share(rate.interval[0])))
        components.append(component("interval-high", "upper end of the interval", share(rate.interval[1])))
    unknown = {**coded("data-absent-reason", "unknown", "Unknown"), "text": rate.state}
    return _observation(
        f"promise-{rate.name.replace('_', '-')}",
        f"Error rate in this laboratory: {rate.words}",
        **({"dataAbsentReason": unknown} if rate.estimate is None else {"valueQuantity": share(rate.estimate)}),
        interpretation=[local_code(f"promise-{rate.verdict}", rate.state)],
        note=[{"text": note} for note in notes],
        component=components,
    )


def _mean(summary: SlideSummary) -> Part:
    code, text = "mean-probability-all", "Mean probability of ALL of the scored cells"
    if summary.mean_probability_all is None:
        return _observation(code, text, dataAbsentReason=_absent(summary))
    return _observation(code, text, valueQuantity=share(summary.mean_probability_all))


def _absent(summary: SlideSummary) -> Part:
    return {**coded("data-absent-reason", "not-performed", "Not Performed"), "text": summary.unstated}


def _agreement(agreement: Agreement) -> Part:
    components = []
    for queue, words in _QUEUES.items():
        both, agree = agreement.compared(queue)
        if both:
            components.append(component(f"compared-{queue}", f"{words}, with the class of a person", cells(both)))
            components.append(component(f"agree-{queue}", f"{words}, same class by person and model", cells(agree)))
    found = _observation("agreement", "Cells that people answered", valueQuantity=cells(agreement.answered))
    return {**found, "component": components} if components else found
