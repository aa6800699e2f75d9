"""Names of the stains and scales of drawn smears; imports the standard library alone, so that help is fast."""

from typing import Literal, get_args

StainName = Literal["wright", "may-gruenwald"]
ScaleName = Literal["fine", "coarse"]
STAINS: tuple[StainName, ...] = get_args(StainName)
SCALES: tuple[ScaleName, ...] = get_args(ScaleName)
