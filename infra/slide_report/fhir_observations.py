"""The observations of a report in FHIR: counts, the share of ALL, the mean probability, and what people said."""

from infra.slide_report.agreement import Agreement
from infra.slide_report.fhir_parts import AI_ASSERTED, Part, cells, coded, component, local_code, share
from infra.slide_report.gathering import Gathered
from lambda_fn.labels import Queue
from lambda_fn.slides import NOTES, SlideSummary

_QUEUES: dict[Queue, str] = {"flag": "cells that the model flagged", "audit": "decided cells drawn by chance"}


def observations(gathered: Gathered) -> list[Part]:
    """Return the observations without subject, time and device; that of agreement comes last, if anybody answered."""
    parts = [_counts(gathered.whole), _share(gathered.whole), _mean(gathered.whole)]
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


def _share(summary: SlideSummary) -> Part:
    code, text = "share-all", "Share of scored cells that are likelier ALL than normal"
    scored = component("scored", "scored cells", cells(summary.scored))
    notes = [{"text": note} for note in NOTES]
    if summary.share_all is None or summary.share_all_low is None or summary.share_all_high is None:
        return _observation(code, text, dataAbsentReason=_absent(summary), note=notes, component=[scored])
    low = component("interval-low", "lower end of the 95 % interval", share(summary.share_all_low))
    high = component("interval-high", "upper end of the 95 % interval", share(summary.share_all_high))
    return _observation(code, text, valueQuantity=share(summary.share_all), note=notes, component=[scored, low, high])


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
