"""What a person typed to find something, read as a query; and where a text matches it.

Nothing that is typed is an error. A filter that is not understood is named, because
nothing would be found, or the wrong things; everything else is looked for as it stands.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import accumulate
from typing import Any, Literal, get_args

from tui.conversation import Role, State

STATES = tuple(state for state in get_args(State) if state != "streaming")
ROLES = {"user": "user", "you": "user", "assistant": "assistant", "claude": "assistant"}

Order = Literal["newest", "best"]
"""What comes first: the newest hit, or the one that matches best."""

_LOOKED_AT = 200_000
"""How many characters of a text are looked at for the places to mark."""

_PIECE = re.compile(
    r'(?P<name>[A-Za-z]+):(?P<value>"[^"]*"?|\S*)'
    r'|(?P<star>\*+)?"(?P<phrase>[^"]*)"?|(?P<word>\S+)'
)
_PERIOD = re.compile(r"(\d{1,4})([dwmy])")
_DAYS = {"d": 1, "w": 7, "m": 30, "y": 365}
_COMBINING = "[\u0300-\u036f]*+"


@dataclass(frozen=True, slots=True)
class Term:
    """Words that stand one after the other."""

    words: str
    is_prefix: bool = False
    """Whether the last word may go on: it is still being typed, or ends in `*`."""
    is_inside: bool = False
    """Whether it may stand inside of words: it begins with `*`."""


@dataclass(frozen=True, slots=True)
class Query:
    """What is looked for: every one of the terms, where all of the rest holds."""

    terms: tuple[Term, ...] = ()
    model: str = ""
    """A part of the model's id."""
    state: str = ""
    role: str = ""
    tag: str = ""
    """A tag of the conversation."""
    after_ms: int | None = None
    before_ms: int | None = None
    """This moment itself is not in it."""
    is_in_title: bool = False
    problem: str = ""
    """A line for the reader: which filter is not understood. Nothing can be found then."""
    hint: str = ""
    """A line for the reader: what looks like a filter, and is looked for as words."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing is looked for."""
        return self == Query()


@dataclass(frozen=True, slots=True)
class Snippet:
    """A piece of a text around its first match, on one line."""

    text: str
    marks: tuple[tuple[int, int], ...]
    """What matches: where it begins, and where it has ended."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A message in which something was found."""

    conversation_id: str
    message_id: str | None
    """None: the title was found, of a conversation with nothing in it."""
    title: str
    role: Role
    state: State
    model: str | None
    created_ms: int
    found_in: str
    """The type of the block, such as `text` or `thinking`; `title`."""
    snippet: Snippet


@dataclass(frozen=True, slots=True)
class Found:
    """What was found for a query."""

    hits: tuple[Hit, ...]
    is_cut: bool = False
    """Whether there was no time to look further."""


def parse(typed: str, now_ms: int) -> Query:
    """Read what was typed: words, "phrases", beginnings*, *parts, `name:value` operators.

    The last word is taken for the beginning of one, unless a space follows it. The
    operators are `model:`, `state:`, `role:`, `tag:`, `before:`, `after:` and `in:title`;
    days are written 2026-11-23, 2026-11, 2026, today, yesterday or 7d, 2w, 3m, 1y.
    """
    filters, terms = _Filters(now_ms), list[Term]()
    for piece in _PIECE.finditer(typed):
        if piece["name"] is not None and filters.take(piece):
            continue
        if piece["phrase"] is not None:
            terms.append(Term(piece["phrase"].strip(), is_inside=piece["star"] is not None))
            continue
        filters.check_is_not_negated(piece[0])
        terms.append(_term(piece[0], is_typed=piece.end() == len(typed)))
    return replace(filters.query, terms=tuple(term for term in terms if term.words))


def _term(written: str, *, is_typed: bool) -> Term:
    word = written.replace('"', " ").strip()
    if word.startswith("*"):
        return Term(word.strip("*"), is_inside=True)
    return Term(word.rstrip("*"), is_typed or word.endswith("*"))


def typed_as(terms: Sequence[Term]) -> str:
    """Return what `parse` reads as these terms."""
    written = (
        f'"{term.words}"' if _is_quoted(term) else term.words + "*" * term.is_prefix
        for term in terms
    )
    stars = ("*" * term.is_inside for term in terms)
    return "".join(f"{star}{each} " for star, each in zip(stars, written, strict=True))


def _is_quoted(term: Term) -> bool:
    # A filter's name at its beginning would make one of it.
    name, colon, _ = term.words.removeprefix("-").partition(":")
    return " " in term.words or (bool(colon) and name.casefold() in _TAKES)


def places(text: str, terms: Sequence[Term]) -> list[tuple[int, int]]:
    """Return where in a text any of the terms stands, whatever its case and accents."""
    pattern = _pattern(terms)
    if pattern is None:
        return []
    looked_at = text[:_LOOKED_AT]
    if looked_at.isascii():
        return [match.span() for match in pattern.finditer(looked_at)]
    spread = [unicodedata.normalize("NFD", character) for character in looked_at]
    # Where each character of the text has ended in the spread one.
    ends = [0, *accumulate(map(len, spread))]
    origin = {end: at for at, end in enumerate(ends)}

    def back(place: int) -> int:
        while place not in origin:
            place += 1
        return origin[place]

    found = pattern.finditer("".join(spread))
    return [(back(match.start()), back(match.end())) for match in found]


def snippet(text: str, terms: Sequence[Term], width: int) -> Snippet:
    """Return about `width` characters of a text around its first match."""
    found = places(text, terms)
    first = found[0][0] if found else 0
    start = max(0, first - width // 4)
    if start:
        # Not in the middle of a word.
        start = min(first, text.find(" ", start) + 1 or first)
    end = start + width
    head, tail = ("…" if start else ""), ("…" if end < len(text) else "")
    piece = head + text[start:end] + tail
    # Character for character, so that the marks stay where they are.
    piece = re.sub(r"\s", " ", piece)
    moved = len(head) - start
    marks = tuple(
        (at + moved, min(until, end) + moved) for at, until in found if start <= at < end
    )
    return Snippet(piece, marks)


# Filters

_A_DAY = "a day: 2026-11-23, 2026-11, 2026, today, yesterday, 7d, 2w, 3m or 1y"
_TAKES = {
    "after": _A_DAY,
    "before": _A_DAY,
    "in": "title",
    "model": "a part of a model's name",
    "role": "you, user, claude or assistant",
    "state": f"one of: {', '.join(STATES)}",
    "tag": "a tag",
}
"""What each filter takes, for the reader."""


class _Filters:
    """Reads filters into a query, and names those that are not understood."""

    def __init__(self, now_ms: int) -> None:
        self._now_ms = now_ms
        self._read: dict[str, dict[str, Any]] = {}
        self.query = Query()

    def take(self, piece: re.Match[str]) -> bool:
        """Add a filter to the query; False for what is looked for as words."""
        name, value = piece["name"].casefold(), piece["value"].strip('"')
        if name not in _TAKES:
            self._hint(piece["name"], value)
            return False
        read = _filter(name, value, self._now_ms)
        if read is None:
            self._problem(f"{_cut(piece[0])} is not understood. {name}: takes {_TAKES[name]}.")
            return False
        if self._read.setdefault(name, read) != read:
            self._problem(f"{name}: stands twice, with two values; it takes one.")
        self.query = replace(self.query, **read)
        self._check_together()
        return True

    def _check_together(self) -> None:
        query = self.query
        after, before = query.after_ms, query.before_ms
        if after is not None and before is not None and after >= before:
            self._problem("after: and before: leave no day between them.")
        if query.is_in_title and (query.role or query.state):
            self._problem("in:title does not go with role: or state:, which a title has not.")

    def check_is_not_negated(self, word: str) -> None:
        """Name a filter with a minus sign, as other programs have it."""
        name = word[1:].partition(":")[0].casefold()
        if word.startswith("-") and ":" in word and name in _TAKES:
            self._problem(f"{_cut(word)} is not understood: a filter cannot be negated.")

    def _problem(self, line: str) -> None:
        if not self.query.problem:
            self.query = replace(self.query, problem=line)

    def _hint(self, name: str, value: str) -> None:
        # Not for https://, std:: and the like.
        if name.islower() and value and value[0] not in "/:\\" and not self.query.hint:
            known = ", ".join(f"{each}:" for each in _TAKES)
            what = f"{_cut(name)}: is not a filter, so it is searched for as text."
            self.query = replace(self.query, hint=f"{what} Filters: {known}.")


def _cut(typed: str) -> str:
    return typed if len(typed) <= 40 else f"{typed[:39]}…"


def _filter(name: str, value: str, now_ms: int) -> dict[str, Any] | None:
    """Return what a filter sets in a query; None for a value that it does not take."""
    folded = value.casefold()
    match name:
        case "model" if value:
            return {"model": value}
        case "state" if folded in STATES:
            return {"state": folded}
        case "role" if folded in ROLES:
            return {"role": ROLES[folded]}
        case "tag" if tag := folded.lstrip("#"):
            return {"tag": tag}
        case "in" if folded == "title":
            return {"is_in_title": True}
        case "after" | "before" if (day := _day(folded, now_ms)) is not None:
            return {f"{name}_ms": _midnight_ms(day)}
        case _:
            return None


def _day(value: str, now_ms: int) -> date | None:
    """Return the day that a value names; of a month or a year the first."""
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
        # `astimezone` would go back an hour where that midnight is left out.
        return round(datetime(day.year, day.month, day.day).timestamp() * 1000)  # noqa: DTZ001
    except (OSError, OverflowError, ValueError):
        # A year that this system's clock does not know.
        return 0


# Matches


def _pattern(terms: Sequence[Term]) -> re.Pattern[str] | None:
    alternatives = [_words(term) for term in terms]
    return re.compile("|".join(alternatives), re.IGNORECASE) if alternatives else None


def _words(term: Term) -> str:
    """Return a pattern for a term's words, with anything that is no word between them."""
    if term.is_inside:
        return re.escape(unicodedata.normalize("NFD", term.words))
    words = re.findall(r"\w+", unicodedata.normalize("NFD", term.words))
    bare = [
        "".join(re.escape(c) + _COMBINING for c in word if not unicodedata.combining(c))
        for word in words
    ]
    bare = [word for word in bare if word]
    if not bare or (len("".join(words)) < 3 and not term.words.isalnum()):
        # C++ and the like are their signs.
        return re.escape(unicodedata.normalize("NFD", term.words))
    first, last = term.words[0], term.words[-1]
    before = r"(?<!\w)" if _is_spaced(first) else ""
    after = r"(?!\w)" if _is_spaced(last) and not term.is_prefix else ""
    return before + r"[\W_]+".join(bare) + after


def _is_spaced(character: str) -> bool:
    """Tell whether words of a character's script have spaces between them."""
    return character.isalnum() and character < "\u0e00"
