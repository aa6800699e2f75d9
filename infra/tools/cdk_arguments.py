"""Reads the arguments of the CDK command line, as far as this project acts on them."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from infra.tools.paths import PROJECT

# Every command that the CDK command line knows, because the first argument that is a command is the one that runs.
_COMMANDS: Final = (
    {"ack", "acknowledge", "bootstrap", "cli-telemetry", "context", "deploy", "destroy", "diagnose", "diff", "docs"}
    | {"doctor", "drift", "flags", "gc", "import", "init", "list", "ls", "metadata", "migrate", "notices"}
    | {"publish-assets", "refactor", "rollback", "synth", "synthesize", "validate", "watch"}
)

# Options with a value that are read here, and their short forms.
_SHORT: Final = {"a": "app", "c": "context", "m": "resource-mapping", "o": "output", "O": "outputs-file"}
_PATHS: Final = frozenset(
    ("ca-bundle-path", "output", "outputs-file", "record-resource-mapping", "resource-mapping", "template")
)
_WITH_VALUE: Final = _PATHS | {"app", "context", "profile", "region"}


@dataclass(frozen=True)
class CdkArguments:
    """The arguments, in their order.

    Attributes:
        parts: pairs of an option's long name and its value, or of None and an argument that is not read here.
    """

    parts: tuple[tuple[str | None, str], ...]

    @classmethod
    def read(cls, arguments: Iterable[str]) -> Self:
        """Read the arguments that follow the word ``cdk``."""
        return cls(tuple(_parts(iter(arguments))))

    @property
    def command(self) -> str | None:
        """The command, such as ``deploy``; None if there is none."""
        return next((word for name, word in self.parts if name is None and word in _COMMANDS), None)

    def values(self, option: str) -> list[str]:
        """All values of an option."""
        return [value for name, value in self.parts if name == option]

    def value(self, option: str, environment: Mapping[str, str]) -> str | None:
        """The last value of an option, which the CDK command line also reads from ``CDK_OPTION``."""
        return [environment.get(f"CDK_{option.upper()}"), *self.values(option)][-1]

    def as_from_root(self, folder: Path) -> list[str]:
        """The same arguments for a command that runs in the project's folder.

        Args:
            folder: the folder that relative paths among the arguments refer to.
        """
        return [value if name is None else f"--{name}={_from(folder, name, value)}" for name, value in self.parts]

    def context(self, environment: Mapping[str, str], home: Path) -> dict[str, Any]:
        """The context values as the app gets them: those of the arguments before cdk.json before ~/.cdk.json."""
        context: dict[str, Any] = {}
        for file in (home / ".cdk.json", PROJECT / "cdk.json"):
            context |= _context_of(file)
        given = [environment["CDK_CONTEXT"]] if "CDK_CONTEXT" in environment else []
        pairs = (pair.partition("=") for pair in [*given, *self.values("context")])
        return context | {name: value for name, _, value in pairs}


def _parts(arguments: Iterator[str]) -> Iterator[tuple[str | None, str]]:
    for argument in arguments:
        if argument == "--":
            yield None, argument
            yield from ((None, rest) for rest in arguments)
            return
        match = re.fullmatch(r"--([A-Za-z][A-Za-z-]*)(=?)(.*)|-([acmoO])(=?)(.*)", argument, re.DOTALL)
        long, equals, value = (match[1], match[2], match[3]) if match and match[1] else ("", "", "")
        if match and match[4]:
            long, equals, value = _SHORT[match[4]], match[5] or match[6], match[6]
        name = re.sub("([A-Z])", lambda letter: f"-{letter[1].lower()}", long)
        if name not in _WITH_VALUE or (value and not equals):
            yield None, argument
        else:
            yield name, value if equals else next(arguments, "")


def _from(folder: Path, name: str, value: str) -> str:
    """The value of an option, with a path in it made absolute; an app may be a command or a folder."""
    is_path = name in _PATHS or (name == "app" and value and (folder / value).is_dir())
    return str(folder / value) if is_path else value


def _context_of(file: Path) -> dict[str, Any]:
    """The context of a file of settings; a file that cannot be read is the CDK command line's to report."""
    try:
        content = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    context = content.get("context") if isinstance(content, dict) else None
    return context if isinstance(context, dict) else {}
