"""Parses a typed search into a query, and finds where a text matches it.

Parsing never fails. A filter that is not valid becomes a `problem` for the user, because the
search would find nothing, or the wrong messages. Everything else is searched for as text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import accumulate
from typing import Any, Literal, get_args

from tui.domain.conversation import Role, State
from tui.domain.normalise import accent_class, without_accents

STATES = tuple(state for state in get_args(State) if state != "streaming")
ROLES = {"user": "user", "you": "user", "assistant": "assistant", "claude": "assistant"}

Order = Literal["newest", "best"]
"""The order of the hits: the newest or the most relevant first."""

_MARKED_LENGTH = 200_000
"""How many characters of a text are searched for matches to mark."""

_PIECE = re.compile(
    r'(?P<name>[A-Za-z]+):(?P<value>"[^"]*"?|\S*)'
    r'|(?P<star>\*+)?"(?P<phrase>[^"]*)"?(?P<more>\*+(?!\S))?|(?P<word>\S+)'
)
_PERIOD = re.compile(r"(\d{1,4})([dwmy])")
_DAYS = {"d": 1, "w": 7, "m": 30, "y": 365}


@dataclass(frozen=True, slots=True)
class Operator:
    """A filter that is typed as `name:value`, with its description in README."""

    name: str
    takes: str
    """Its valid values."""
    finds: str
    """What it finds."""
    example: str
    """An example of its use."""


_A_DAY = "a day: 2026-11-23, 2026-11, 2026, today, yesterday, 7d, 2w, 3m or 1y"

OPERATORS: tuple[Operator, ...] = (
    Operator("after", _A_DAY, "messages of that day or later", "after:7d"),
    Operator("before", _A_DAY, "messages from before that day", "before:2026-11"),
    Operator("in", "title", "titles only", "in:title"),
    Operator("model", "a part of a model's name", "what that model wrote", "model:sonnet"),
    Operator("role", "you, user, claude or assistant", "what you or Claude wrote", "role:you"),
    Operator(
        "state", f"one of: {', '.join(STATES)}", "replies that ended like this", "state:cut_off"
    ),
    Operator("tag", "a tag", "messages of conversations with this tag", "tag:work"),
)
"""All filters, in alphabetical order."""

TERMS: tuple[tuple[str, str], ...] = (
    ("stream parser", "messages with both words, in any order"),
    ('"stream parser"', "the words in this order"),
    ("pars*", "words that begin like this"),
    ("*arse", "these letters anywhere in a word"),
    ('"stream par"*', "the beginning of a phrase"),
)
"""One example for each form of a search term, and what it finds."""

_BY_NAME = {operator.name: operator for operator in OPERATORS}


@dataclass(frozen=True, slots=True)
class Term:
    """One or more words to find in this order."""

    words: str
    is_prefix: bool = False
    """Whether the last word is a prefix: it is still being typed, or ends with `*`."""
    is_inside: bool = False
    """Whether it may match inside of a word: it begins with `*`."""


@dataclass(frozen=True, slots=True)
class Query:
    """A search for messages that contain every term and match every filter."""

    terms: tuple[Term, ...] = ()
    model: str = ""
    """A part of the model's id."""
    state: str = ""
    role: str = ""
    tag: str = ""
    """A tag of the conversation."""
    after_ms: int | None = None
    before_ms: int | None = None
    """The exclusive end of the time range."""
    is_in_title: bool = False
    problem: str = ""
    """A line for the user about an invalid filter. With a problem, nothing is searched."""
    hint: str = ""
    """A line for the user about text that looks like a filter but is searched as text."""

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to find."""
        return self == Query()

    @property
    def has_filters(self) -> bool:
        """Whether it has filters, valid or not."""
        return replace(self, terms=()) != Query()


@dataclass(frozen=True, slots=True)
class Snippet:
    """The part of a text around its first match, on one line."""

    text: str
    marks: tuple[tuple[int, int], ...]
    """The start and the end of each match in `text`."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A message, or a title, that matches a query."""

    conversation_id: str
    message_id: str | None
    """None for the title of a conversation without messages."""
    title: str
    role: Role
    state: State
    model: str | None
    created_ms: int
    found_in: str
    """The type of the block, such as `text` or `thinking`, or `title`."""
    snippet: Snippet


@dataclass(frozen=True, slots=True)
class Found:
    """The result of a search."""

    hits: tuple[Hit, ...]
    is_truncated: bool = False
    """Whether the search stopped before its end."""


def parse(typed: str, now_ms: int) -> Query:
    """Parse a typed search. `TERMS` and `OPERATORS` show its syntax.

    The last word counts as a prefix, unless a space follows it. `now_ms` is for relative
    days such as `today` and `7d`.
    """
    filters, terms = _Filters(now_ms), list[Term]()
    for piece in _PIECE.finditer(typed):
        if piece["name"] is not None and filters.take(piece):
            continue
        if piece["phrase"] is not None:
            terms.append(_phrase(piece))
            continue
        filters.check_is_not_negated(piece[0])
        terms.append(_term(piece[0], is_last=piece.end() == len(typed)))
    return replace(filters.query, terms=tuple(term for term in terms if term.words))


def _phrase(piece: re.Match[str]) -> Term:
    if piece["star"]:
        return Term(piece["phrase"].strip(), is_inside=True)
    return Term(piece["phrase"].strip(), is_prefix=piece["more"] is not None)


def _term(written: str, *, is_last: bool) -> Term:
    word = written.replace('"', " ").strip()
    if word.startswith("*"):
        return Term(word.strip("*").strip(), is_inside=True)
    return Term(word.rstrip("*").strip(), is_last or word.endswith("*"))


def typed_as(terms: Sequence[Term]) -> str:
    """Return a text that `parse` converts into exactly these terms."""
    return "".join(f"{_typed_as(term)} " for term in terms)


def _typed_as(term: Term) -> str:
    star, more = "*" * term.is_inside, "*" * term.is_prefix
    bare = f"{star}{term.words}{more}"
    # Quote it if it would be parsed as something else, such as a filter.
    is_unambiguous = replace(parse(f"{bare} ", 0), hint="") == Query((term,))
    return bare if is_unambiguous else f'{star}"{term.words}"{more}'


def places(text: str, terms: Sequence[Term]) -> list[tuple[int, int]]:
    """Return the spans in a text that match any of the terms, without case and accents."""
    pattern = _pattern(terms)
    if pattern is None:
        return []
    beginning = text[:_MARKED_LENGTH]
    if beginning.isascii():
        return [match.span() for match in pattern.finditer(beginning)]
    decomposed = [unicodedata.normalize("NFD", character) for character in beginning]
    # The end of each character of the text in the decomposed text.
    ends = [0, *accumulate(map(len, decomposed))]
    origin = {end: at for at, end in enumerate(ends)}

    def original_index(index: int) -> int:
        while index not in origin:
            index += 1
        return origin[index]

    found = pattern.finditer("".join(decomposed))
    return [(original_index(match.start()), original_index(match.end())) for match in found]


def snippet(text: str, terms: Sequence[Term], width: int) -> Snippet:
    """Return about `width` characters of a text around its first match."""
    found = places(text, terms)
    first = found[0][0] if found else 0
    start = max(0, first - width // 4)
    if start:
        # Do not start in the middle of a word.
        start = min(first, text.find(" ", start) + 1 or first)
    end = start + width
    head, tail = ("…" if start else ""), ("…" if end < len(text) else "")
    piece = head + text[start:end] + tail
    # Replace single characters, so that the marks keep their positions.
    piece = re.sub(r"\s", " ", piece)
    shift = len(head) - start
    marks = tuple(
        (at + shift, min(until, end) + shift) for at, until in found if start <= at < end
    )
    return Snippet(piece, marks)


# Filters


class _Filters:
    """Adds filters to a query, and problems for filters that are not valid."""

    def __init__(self, now_ms: int) -> None:
        self._now_ms = now_ms
        self._known: dict[str, dict[str, Any]] = {}
        self.query = Query()

    def take(self, piece: re.Match[str]) -> bool:
        """Add a filter to the query; return False if it is to be searched for as text."""
        name, value = piece["name"].casefold(), piece["value"].strip('"')
        if name not in _BY_NAME:
            self._hint(piece["name"], value)
            return False
        fields = _filter(name, value, self._now_ms)
        if fields is None:
            self._problem(
                f"{_cut(piece[0])} is not understood. {name}: takes {_BY_NAME[name].takes}."
            )
            return False
        if self._known.setdefault(name, fields) != fields:
            self._problem(f"{name}: is there twice, with two values; use it once.")
        self.query = replace(self.query, **fields)
        self._check_together()
        return True

    def _check_together(self) -> None:
        query = self.query
        after, before = query.after_ms, query.before_ms
        if after is not None and before is not None and after >= before:
            self._problem("There is no day between after: and before:.")
        if query.is_in_title and (query.role or query.state):
            self._problem("in:title cannot be used with role: or state:; a title has neither.")

    def check_is_not_negated(self, word: str) -> None:
        """Set a problem for a filter with a minus sign, which other programs support."""
        name = word[1:].partition(":")[0].casefold()
        if word.startswith("-") and ":" in word and name in _BY_NAME:
            self._problem(f"{_cut(word)} is not understood: a filter cannot be negated.")

    def _problem(self, line: str) -> None:
        if not self.query.problem:
            self.query = replace(self.query, problem=line)

    def _hint(self, name: str, value: str) -> None:
        # No hint for https://, std:: and similar text.
        if name.islower() and value and value[0] not in "/:\\" and not self.query.hint:
            known = ", ".join(f"{each}:" for each in _BY_NAME)
            what = f"{_cut(name)}: is not a filter, so it is searched for as text."
            self.query = replace(self.query, hint=f"{what} Filters: {known}.")


def _cut(typed: str) -> str:
    return typed if len(typed) <= 40 else f"{typed[:39]}…"


def _filter(name: str, value: str, now_ms: int) -> dict[str, Any] | None:
    """Return the fields of the query that a filter sets; None for an invalid value."""
    lower = value.casefold()
    match name:
        case "model" if value:
            return {"model": value}
        case "state" if lower in STATES:
            return {"state": lower}
        case "role" if lower in ROLES:
            return {"role": ROLES[lower]}
        case "tag" if tag := lower.lstrip("#"):
            return {"tag": tag}
        case "in" if lower == "title":
            return {"is_in_title": True}
        case "after" | "before" if (day := _day(lower, now_ms)) is not None:
            return {f"{name}_ms": _midnight_ms(day)}
        case _:
            return None


def _day(value: str, now_ms: int) -> date | None:
    """Return the day that a value names; the first day for a month or a year."""
    today = datetime.fromtimestamp(now_ms / 1000).astimezone().date()
    if value in ("today", "yesterday"):
        return today - timedelta(days=value == "yesterday")
    try:
        if period := _PERIOD.fullmatch(value):
            return today - timedelta(days=int(period[1]) * _DAYS[period[2]])
        return date.fromisoformat(value + "-01" * max(0, 2 - value.count("-")))
    except (ValueError, OverflowError):
        return None


def _midnight_ms(day: date) -> int:
    try:
        # If daylight saving time skips that midnight, `astimezone` would go back an hour.
        return round(datetime(day.year, day.month, day.day).timestamp() * 1000)  # noqa: DTZ001
    except (OSError, OverflowError, ValueError):
        # The system cannot convert a time of this year.
        return 0


# Matches


def _pattern(terms: Sequence[Term]) -> re.Pattern[str] | None:
    alternatives = [_words(term) for term in terms]
    return re.compile("|".join(alternatives), re.IGNORECASE) if alternatives else None


def _words(term: Term) -> str:
    """Return a pattern for a term's words, with any other characters between them."""
    # A lone accent would become "", which matches everywhere.
    text = without_accents(term.words) or term.words
    words = re.findall(r"\w+", text)
    if term.is_inside or not words or (len("".join(words)) < 3 and not text.isalnum()):
        # Match C++ and similar words literally.
        return "".join(map(_letter, text))
    patterns = ["".join(map(_letter, word)) for word in words]
    before = rf"(?<![\w{accent_class()}\u0306])" if _is_spaced(text[0]) else ""
    after = r"(?!\w)" if _is_spaced(text[-1]) and not term.is_prefix else ""
    return before + r"[\W_]+".join(patterns) + after


def _letter(letter: str) -> str:
    """Return a pattern for a letter in a decomposed text, with any accents."""
    breve = "" if letter in "иИ" else "\u0306"
    decomposed = re.escape(unicodedata.normalize("NFD", letter))
    return f"{decomposed}[{accent_class()}{breve}]*+"


def _is_spaced(character: str) -> bool:
    """Return whether a character's script has spaces between words."""
    return character.isalnum() and character < "\u0e00"
