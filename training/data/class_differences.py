"""Compares the classes of a data set in every measure, subject by subject."""

from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import mannwhitneyu

from training.data.exploration import Exploration
from training.data.measures import MEASURES


@dataclass(frozen=True)
class ClassDifference:
    """How a measure differs between the classes.

    Attributes:
        measure: its name.
        all_median: over ALL cells.
        normal_median: over normal cells.
        superiority: probability, 0 to 1, that a random subject with ALL has a higher mean than a random healthy one;
            0.5 if the classes do not differ (Vargha & Delaney 2000, J. Educ. Behav. Stat. 25).
        p_value: of the Mann-Whitney test on subjects' means, after Holm's correction for all measures.
        between_subjects: share of the variance within classes that lies between subjects, 0 to 1 (eta squared).
    """

    measure: str
    all_median: float
    normal_median: float
    superiority: float
    p_value: float
    between_subjects: float


def compare_classes(exploration: Exploration) -> list[ClassDifference]:
    """Compare the classes in every measure.

    The subject is the unit. Cells of one subject resemble each other: a test on cells would take a difference between
    a few people for a difference between classes.
    """
    return _with_holm([_difference(name, exploration, column) for column, name in enumerate(MEASURES)])


def _difference(name: str, exploration: Exploration, column: int) -> ClassDifference:
    values = exploration.measures[:, column]
    means, between, within = [], 0.0, 0.0
    for of_class in (exploration.is_all, ~exploration.is_all):
        of_subjects = exploration.by_subject(column, of_class)
        means.append(np.array([each.mean() for each in of_subjects]))
        centre = values[of_class].mean()
        between += sum(len(each) * (each.mean() - centre) ** 2 for each in of_subjects)
        within += sum(((each - each.mean()) ** 2).sum() for each in of_subjects)
    test = mannwhitneyu(*means, alternative="two-sided")
    return ClassDifference(
        measure=name,
        all_median=float(np.median(values[exploration.is_all])),
        normal_median=float(np.median(values[~exploration.is_all])),
        superiority=float(test.statistic / (len(means[0]) * len(means[1]))),
        p_value=float(test.pvalue),
        between_subjects=float(between / (between + within)) if between + within else 0.0,
    )


def _with_holm(differences: list[ClassDifference]) -> list[ClassDifference]:
    """Multiply p-values as Holm (1979, Scand. J. Stat. 6) corrects for many tests."""
    corrected, least = {}, 0.0
    for rank, difference in enumerate(sorted(differences, key=lambda each: each.p_value)):
        least = max(least, min(1.0, difference.p_value * (len(differences) - rank)))
        corrected[difference.measure] = least
    return [replace(each, p_value=corrected[each.measure]) for each in differences]
