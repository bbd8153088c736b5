"""A prompt with placeholders, which is filled in each time it is used."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from tui.domain.parameters import Effort, Parameters

INPUT = "input"
"""The argument that takes the text which the user typed or piped in."""

_NAME = r"[A-Za-z_][A-Za-z0-9_-]*"
_PLACEHOLDER = re.compile(r"(\\*)\{\{[ \t]*(" + _NAME + r")[ \t]*\}\}")
"""A placeholder and the backslashes before it; an odd number of them makes it plain text."""


class CannotFill(ValueError):
    """The values do not match the arguments of a template. The text is for the user."""


@dataclass(frozen=True, slots=True)
class Argument:
    """A value that a template needs."""

    name: str
    default: str | None = None
    """The value if none is given; None if one must be given."""


@dataclass(frozen=True, slots=True)
class PromptTemplate:
    """A prompt, and the parameters to ask it with."""

    name: str
    """The name of its file, without the suffix."""
    text: str
    """The prompt. `{{name}}` is a placeholder; a backslash before it makes it plain text."""
    title: str = ""
    description: str = ""
    model: str | None = None
    """The model to ask; None for the conversation's."""
    effort: Effort | None = None
    system: str | None = None
    """The system prompt; None for the conversation's."""
    declared: tuple[Argument, ...] = ()
    """The arguments in the front matter."""

    @property
    def arguments(self) -> tuple[Argument, ...]:
        """The declared arguments, then the placeholders that none of them declares."""
        names = {argument.name for argument in self.declared}
        others = (name for name in dict.fromkeys(_names(self.text)) if name not in names)
        return (*self.declared, *map(Argument, others))

    def filled(self, values: Mapping[str, str]) -> str:
        """Return the prompt with values for its placeholders.

        Placeholders inside a value stay plain text. Raises `CannotFill` if an argument has
        no value, or a value has no argument.
        """
        known = {argument.name: argument.default for argument in self.arguments}
        if unknown := [name for name in values if name not in known]:
            takes = ", ".join(known) or "none"
            raise CannotFill(f"{self.name} has no argument {unknown[0]!r}. It takes: {takes}.")
        given = {**known, **values}
        if missing := [name for name, value in given.items() if value is None]:
            raise CannotFill(f"{self.name} needs: {', '.join(missing)}.")

        def fill(found: re.Match[str]) -> str:
            slashes, name = found.groups()
            shown = found[0][len(slashes) :] if len(slashes) % 2 else str(given[name])
            return slashes[: len(slashes) // 2] + shown

        return _PLACEHOLDER.sub(fill, self.text)


def _names(text: str) -> Iterator[str]:
    return (found[2] for found in _PLACEHOLDER.finditer(text) if len(found[1]) % 2 == 0)


def template_text(*parts: str | Argument) -> str:
    """Return the text of a template which `filled` turns into `parts`."""
    pieces: list[str] = []
    for part in parts:
        if isinstance(part, Argument):
            before = pieces[-1] if pieces else ""
            slashes = before[len(before.rstrip("\\")) :]
            pieces.append(f"{slashes}{{{{{part.name}}}}}")
        else:
            pieces.append(_PLACEHOLDER.sub(_escaped, part))
    return "".join(pieces)


def _escaped(found: re.Match[str]) -> str:
    return found[1] + "\\" + found[0]


def with_template(parameters: Parameters, template: PromptTemplate) -> Parameters:
    """Return the parameters with those that the template names."""
    return replace(
        parameters,
        model=template.model or parameters.model,
        effort=template.effort or parameters.effort,
        system=parameters.system if template.system is None else template.system,
    )
