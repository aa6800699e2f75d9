"""The types of settings, and the message about a wrong value."""

import re
from collections.abc import Mapping
from typing import Annotated, Final, get_args

from annotated_types import Ge, Le
from pydantic import BeforeValidator, Field
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from infra.errors import InfraError

# Tags that every deployment has. Their values cannot be chosen.
OWN_TAGS: Final = ("application", "stage")
_TAG_CHARACTER = r"[\w .:/+@-]"
_TAGS_AS_WRITTEN = "name=value,name=value"
_TRUE_OR_FALSE = {"true": True, "True": True, "false": False, "False": False}


class ConfigurationError(InfraError):
    """A setting cannot be used. The message names the setting and the values that it may have."""


def _read_whole(value: object) -> object:
    """Read a whole number; return anything else as text, because True and 5.0 are not whole numbers."""
    text = str(value)
    return int(text) if re.fullmatch(r"-?[0-9]{1,9}", text) else text


def _read_rate(value: object) -> object:
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value


def _read_switch(value: object) -> object:
    return _TRUE_OR_FALSE.get(str(value), value)


def _read_tags(value: object) -> dict[str, str]:
    """Read the tags of AWS resources, written as ``name=value,name=value`` or as a JSON object."""
    pairs = value
    if isinstance(value, str):
        pairs = dict(pair.partition("=")[::2] for pair in value.split(","))
    if not isinstance(pairs, Mapping):
        raise ConfigurationError(f"tags is {value!r}; it must be {_TAGS_AS_WRITTEN}")
    for name, content in pairs.items():
        if name in OWN_TAGS:
            raise ConfigurationError(f"tags holds {name!r}, which every deployment sets itself; leave it out")
        valid = re.fullmatch(rf"(?!aws:){_TAG_CHARACTER}{{1,128}}", str(name))
        if not valid or not isinstance(content, str) or not re.fullmatch(rf"{_TAG_CHARACTER}{{1,256}}", content):
            raise ConfigurationError(
                f"tags holds {name!r} with value {content!r}; it must be {_TAGS_AS_WRITTEN}, of letters, "
                "digits, spaces and .:/+@_-, no name beginning with aws:"
            )
    return dict(pairs)


# Types of settings. The command line gives every value as text, cdk.json as JSON: each type reads both. pydantic then
# checks the value in its strict mode, in which True is not a number and 1 is not a switch.
ReadWhole = BeforeValidator(_read_whole)
Whole = Annotated[int, ReadWhole]
Rate = Annotated[float, BeforeValidator(_read_rate), Field(allow_inf_nan=False)]
Switch = Annotated[bool, BeforeValidator(_read_switch)]
Tags = Annotated[dict[str, str], BeforeValidator(_read_tags)]


def describe_error(error: ErrorDetails, settings: Mapping[str, FieldInfo], values: Mapping[str, object]) -> str:
    """Describe a wrong value in one line: ``NAME is VALUE; it must be ...``.

    Args:
        error: pydantic's error.
        settings: the fields of the configuration, by name. The description of a text field says in words which texts
            match its pattern.
        values: the user's values, by name.
    """
    name = str(error["loc"][0])
    if name not in settings:
        return f"{name}: there is no such setting"
    setting, shown = settings[name], repr(values[name])
    match error["type"]:
        case "int_type":
            requirement = "a whole number"
        case "float_type" | "finite_number":
            requirement = "a number"
        case "bool_type":
            requirement = "true or false"
        case "greater_than_equal" | "less_than_equal":
            limits = {type(limit): limit for limit in setting.metadata}
            shown, requirement = str(values[name]), f"{limits[Ge].ge} to {limits[Le].le}"
        case "literal_error":
            choices = get_args(setting.annotation)
            shown = str(values[name]) if isinstance(choices[0], int) else shown
            requirement = f"one of {', '.join(map(str, choices))}"
        case _:
            requirement = setting.description or error["msg"]
    return f"{name} is {shown}; it must be {requirement}"
