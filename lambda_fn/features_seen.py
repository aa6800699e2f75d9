"""The features seen on a cell, in words, from its morphology.

They describe one cell and name no type: the FAB classes L1 to L3 are of a smear, from many cells (Bennett et al. 1981,
Br. J. Haematol. 47). All three packages read this module, so it imports the standard library alone.
"""

from lambda_fn.class_ranges import ClassRanges
from lambda_fn.decisions import Label
from lambda_fn.morphology_facts import MorphologyFacts, quantities

# Depth of a cleft, share of the diameter, from which the outline is called deeply clefted; aspect below which a cell is
# called elongated. Of 300 ALL and 300 normal cells of C-NMC 2019 (doi 10.7937/tcia.2019.dc64i46r), 7 % and 4 % are
# deeply clefted, 10 % and 6 % elongated.
DEEP_CLEFT, ELONGATED = 0.10, 0.70
# Ratios of nucleus to cell.
SCANT_CYTOPLASM, AMPLE_CYTOPLASM = 0.80, 0.60
# A number above, or below, this share of a class is worth a word.
REMARKABLE = 0.90

_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


def features_seen(morphology: MorphologyFacts, ranges: ClassRanges | None = None) -> tuple[str, ...]:
    """Return the features of a cell in words, such as "deeply clefted outline (12 % of the diameter)".

    Args:
        morphology: of the cell.
        ranges: of the model that scored it, for words on size and chromatin; None leaves these words out.
    """
    words = [_outline(morphology)]
    if morphology["aspect"] < ELONGATED:
        words.append("elongated")
    if spots := morphology["pale_spots"]:
        words.append(_count(spots["number"], "pale spot"))
    if (ratio := morphology["nc_ratio"]) is not None:
        amount = "scant" if ratio >= SCANT_CYTOPLASM else "ample" if ratio < AMPLE_CYTOPLASM else "moderate"
        words.append(f"{amount} cytoplasm (nucleus {_percent(ratio)} of the cell)")
    elif morphology["not_measured"].get("nc_ratio") == "cytoplasm_not_visible":
        words.append("no cytoplasm visible")
    if (vacuoles := morphology["vacuoles"]) and vacuoles["number"]:
        words.append(_count(vacuoles["number"], "vacuole"))
    if ranges:
        words += [
            *_against(ranges, morphology, "cell_area_px", "large", "small"),
            *_against(ranges, morphology, "chromatin_cv", "coarse chromatin", "even chromatin"),
        ]
    if morphology["touches_frame"]:
        words.append("cut by the image's edge, so size and outline are of the visible part")
    return tuple(words)


def _outline(morphology: MorphologyFacts) -> str:
    clefts = morphology["clefts"]
    if not clefts["number"]:
        return "outline without clefts"
    depth = f"{_percent(clefts['deepest'])} of the diameter"
    if clefts["number"] > 1:
        depth = f"{clefts['number']} clefts, deepest {depth}"
    return f"{'deeply ' if clefts['deepest'] >= DEEP_CLEFT else ''}clefted outline ({depth})"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _count(number: int, noun: str) -> str:
    return f"{_NUMBERS[number] if number < len(_NUMBERS) else number} {noun}{'' if number == 1 else 's'}"


def _against(ranges: ClassRanges, morphology: MorphologyFacts, name: str, high: str, low: str) -> list[str]:
    """Return a word if a number is remarkable for at least one class, with the shares of both classes."""
    value = quantities(morphology)[name]
    if value is None:
        return []
    below: dict[Label, float] = {}
    for label in ("ALL", "normal"):
        share = ranges.share_below(label, name, value)
        if share is None:
            return []
        below[label] = share
    shares = f"above {_percent(below['normal'])} of normal and {_percent(below['ALL'])} of ALL cells"
    if max(below.values()) >= REMARKABLE:
        return [f"{high} ({shares})"]
    if min(below.values()) < 1 - REMARKABLE:
        return [f"{low} ({shares})"]
    return []
