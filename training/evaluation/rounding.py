"""Rounds thresholds to six decimals, each to the side on which its error rate still holds."""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

RESOLUTION = Decimal("1e-6")


def at_or_below(value: float) -> float:
    """The largest number of six decimals that does not exceed a value."""
    return float(Decimal(value).quantize(RESOLUTION, ROUND_FLOOR))


def at_or_above(value: float) -> float:
    """The smallest number of six decimals that is not below a value."""
    return float(Decimal(value).quantize(RESOLUTION, ROUND_CEILING))
