"""Kinds of settings: each reads what a user wrote, and says in one line what may stand there instead."""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Any

from infra.errors import InfraError

Read = Callable[[str, Any], Any]
"""From a setting's name and what a user wrote to its value; what it returned before, it returns again."""

READ = "read"
"""Under which a field's metadata holds its `Read`."""


class ConfigurationError(InfraError):
    """A setting cannot be used; the message names it, and what may stand there."""


def whole(default: int | None, least: int, most: int) -> Any:  # noqa: ANN401 - a dataclass field of any type
    """A whole number from `least` to `most`."""

    def read(name: str, value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int | str) or not re.fullmatch(r"-?\d{1,9}", str(value)):
            raise ConfigurationError(f"{name} is {value!r}; it must be a whole number")
        if not least <= int(value) <= most:
            raise ConfigurationError(f"{name} is {value}; it must be {least} to {most}")
        return int(value)

    return field(default=default, metadata={READ: read})


def rate(default: float | None) -> Any:  # noqa: ANN401
    """A number; which ones can be served, the shipped model knows."""

    def read(name: str, value: object) -> float:
        try:
            number = math.nan if isinstance(value, bool) else float(str(value))
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise ConfigurationError(f"{name} is {value!r}; it must be a number")
        return number

    return field(default=default, metadata={READ: read})


def switch(default: bool | None = False) -> Any:  # noqa: ANN401
    """True or false."""

    def read(name: str, value: object) -> bool:
        if str(value) not in ("true", "false", "True", "False"):
            raise ConfigurationError(f"{name} is {value!r}; it must be true or false")
        return str(value).lower() == "true"

    return field(default=default, metadata={READ: read})


def one_of(default: str, *choices: str) -> Any:  # noqa: ANN401
    """One of several words."""

    def read(name: str, value: object) -> object:
        if value not in choices:
            raise ConfigurationError(f"{name} is {value!r}; it must be one of {', '.join(choices)}")
        return value

    return field(default=default, metadata={READ: read})


def number_of(default: int, *choices: int) -> Any:  # noqa: ANN401
    """One of several whole numbers."""

    def read(name: str, value: object) -> int:
        written = {str(choice): choice for choice in choices}
        if isinstance(value, bool) or str(value) not in written:
            raise ConfigurationError(f"{name} is {value}; it must be one of {', '.join(written)}")
        return written[str(value)]

    return field(default=default, metadata={READ: read})


def text(default: str | None, pattern: str, wanted: str) -> Any:  # noqa: ANN401
    """A text that all matches `pattern`; `wanted` says so in words."""

    def read(name: str, value: object) -> str:
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            raise ConfigurationError(f"{name} is {value!r}; it must be {wanted}")
        return value

    return field(default=default, metadata={READ: read})


def tags(*taken: str) -> Any:  # noqa: ANN401
    """Tags of AWS resources, as `name=value,name=value` or as a JSON object; those `taken` are set already."""
    allowed = r"[\w .:/+@-]"

    def read(name: str, value: object) -> dict[str, str]:
        pairs = value
        if isinstance(value, str):
            pairs = dict(pair.partition("=")[::2] for pair in value.split(","))
        if not isinstance(pairs, Mapping):
            raise ConfigurationError(f"{name} is {value!r}; it must be name=value,name=value")
        for tag, content in pairs.items():
            if tag in taken:
                raise ConfigurationError(f"{name} holds {tag!r}, which every deployment sets itself; leave it out")
            valid = re.fullmatch(rf"(?!aws:){allowed}{{1,128}}", str(tag))
            if not valid or not isinstance(content, str) or not re.fullmatch(rf"{allowed}{{1,256}}", content):
                raise ConfigurationError(
                    f"{name} holds {tag!r} with value {content!r}; it must be name=value,name=value, of letters, "
                    "digits, spaces and .:/+@_-, no name beginning with aws:"
                )
        return dict(pairs)

    return field(default_factory=dict, metadata={READ: read})
