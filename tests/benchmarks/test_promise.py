"""How many audits expose a worse model, and what recalibration restores; docs/promise.md has the tables.

``uv run pytest tests/benchmarks/test_promise.py`` prints them: 200 simulated laboratories a row, no images.
"""

from dataclasses import replace

import numpy as np
from rich.table import Table

from infra.promise.recalibration import recalibrate
from lambda_fn.decisions import Thresholds
from lambda_fn.manifest import Manifest
from tests.laboratory import RATES, audit_until_said, draw_laboratory, evidence_of, thresholds_for

from .conftest import TABLES

RUNS = 200
MOST_AUDITS = 3000
AUDITS = 600
SHIPPED = thresholds_for(0.03, 0.08)


def at_rate(rate: float, probabilities: np.ndarray) -> Thresholds:
    """Thresholds below which exactly this share of probabilities of ALL cells lies."""
    edge = float(np.quantile(probabilities, rate))
    return Thresholds(edge, edge, max(edge, SHIPPED.all_from))


def test_audits_until_a_promise_of_4_percent_can_be_said_to_hold_or_to_be_broken() -> None:
    columns = ("model errs on", "of ALL cells", "broken", "holds", "open", "audits, median", "audits, 95 %", "of ALL")
    table = Table(*columns, title=f"A look after every audit, up to {MOST_AUDITS:,}; {RUNS} laboratories a row")
    for name, rate in (("a quarter of the promised", 0.01), ("half", 0.02), ("just the promised", 0.04)):
        said = _row(table, name, rate)
        assert said["broken"] <= (0.05 * RUNS if rate == RATES["all_decided_normal"] else 0)
    for name, rate in (("one and a half times", 0.06), ("twice", 0.08), ("2.5 times", 0.1), ("four times", 0.16)):
        said = _row(table, name, rate)
        assert said["holds"] <= 0.05 * RUNS
        assert said["broken"] >= 0.95 * RUNS or rate < 0.08
    TABLES.append(table)


def _row(table: Table, name: str, rate: float) -> dict[str, int]:
    generator = np.random.default_rng(round(1000 * rate))
    verdicts, numbers, of_all = [], [], []
    for _ in range(RUNS):
        laboratory = draw_laboratory(generator)
        thresholds = at_rate(rate, laboratory.probabilities[laboratory.is_all])
        verdict, audits = audit_until_said(laboratory, thresholds, generator, MOST_AUDITS)
        verdicts.append(verdict)
        if verdict != "open":
            normal, decided_all = laboratory.decided(thresholds)
            numbers.append(audits)
            of_all.append(audits * laboratory.is_all[normal | decided_all].mean())
    said = {verdict: verdicts.count(verdict) for verdict in ("broken", "holds", "open")}
    shares = (f"{count / RUNS:.1%}" for count in said.values())
    # A laboratory in which nothing could be said counts as one that needs more audits than any other.
    padded = numbers + [MOST_AUDITS + 1] * said["open"]
    quantiles = (float(np.quantile(padded, q, method="higher")) for q in (0.5, 0.95))
    shown = (f"{number:,.0f}" if number <= MOST_AUDITS else f"over {MOST_AUDITS:,}" for number in quantiles)
    table.add_row(name, f"{rate:.0%}", *shares, *shown, f"{np.median(of_all):,.0f}" if of_all else "-")
    return said


def test_recalibration_brings_the_rates_on_other_slides_back_to_the_promised_ones_on_average() -> None:
    kept_both = ("ALL decided normal", "kept", "normal decided ALL", "kept", "both kept", "review")
    table = Table(
        "logits lower by", "thresholds", *kept_both, title=f"{AUDITS} audits, all flags answered; other slides"
    )
    model = replace(Manifest.read(), thresholds=SHIPPED)
    for worse in (0.0, 0.5, 1.0, -0.5):
        generator = np.random.default_rng(5)
        others = draw_laboratory(np.random.default_rng(6), worse, slides=400)
        own = []
        for _ in range(RUNS):
            laboratory = draw_laboratory(generator, worse, cells=100)
            evidence = evidence_of(laboratory, SHIPPED, generator, AUDITS)
            own.append(recalibrate(evidence, model, RATES).own.thresholds_for(model))
        for name, thresholds in (("the model's", [SHIPPED]), ("the laboratory's", own)):
            rates = [others.rates(each) for each in thresholds]
            cells = []
            for promise, promised in RATES.items():
                of_promise = np.array([rate[promise] for rate in rates])
                cells += [f"{of_promise.mean():.1%}", f"{(of_promise <= promised).mean():.0%}"]
                assert thresholds is not own or of_promise.mean() <= promised
            both = np.mean([all(rate[promise] <= RATES[promise] for promise in RATES) for rate in rates])
            review = np.mean([others.review_share(each) for each in thresholds])
            table.add_row(f"{worse:g}", name, *cells, f"{both:.0%}", f"{review:.1%}")
    TABLES.append(table)
