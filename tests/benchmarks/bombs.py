"""The delay of keys while a text is shown that could cost more than its length."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from time import monotonic
from typing import Literal

from tests.benchmarks.corpora import corpus
from tests.benchmarks.keys import Passed
from tests.benchmarks.recording import (
    CTRL_U,
    ENTER,
    Recording,
    new_home,
    percentile,
    recording,
    told,
)
from tests.benchmarks.report import Effort, Row
from tests.bombs import BOMBS, bomb
from tests.scripted import Reply, Scripted, Step, Wait, block, delta, end, scripted, start

TITLE = "Replies and questions that are bombs"
USUAL = ("opening brackets", "columns", "link references", "nested quotes", "one line")
EVERY = 0.093
"""Seconds between two keys."""

SECONDS = 3.0
"""How long a reply takes to arrive."""

LAST, AFTER = "LASTWORD", "\u1e9e"
CTRL_N, CTRL_PAGE_DOWN = "\x0e", "\x1b[6;5~"
PASTE = "\x1b[200~{}\x1b[201~"

Way = Literal["streamed", "whole", "question"]


@dataclass
class Felt:
    """The measurements for one text."""

    keys: dict[Way, list[float]] = field(default_factory=dict)
    """Seconds from key to paint: while the text arrives, when it is opened, as a question."""
    pasted: float = 0.0
    """Seconds from a paste to the paint of a key that was pressed right after it."""
    late: float = 0.0
    """Seconds from sending its last word to painting it."""
    grown: float = 0.0
    """The most megabytes by which the program grew."""


def run(effort: Effort) -> Iterator[Row]:
    """Receive, open and paste each text, and plain text of the same length."""
    names = USUAL[:1] if effort == "quick" else USUAL if effort == "usual" else tuple(BOMBS)
    for name in names:
        text = bomb(name, 0.2 if effort == "quick" else 1.0)
        with scripted() as server:
            plain = _felt(server, corpus("prose", len(text)))
            felt = _felt(server, text)
        what = f"{name}, {len(text) // 1000}k"
        for way, keys in felt.keys.items():
            yield from _rows(f"{what}, {way}", keys, plain.keys[way])
        note = f"plain text {1000 * plain.pasted:.0f} ms"
        yield Row(
            f"{what}: pasted, the key after it painted", 1000 * felt.pasted, 1000, "ms", note
        )
        yield Row(f"{what}: last word painted after it was sent", 1000 * felt.late, unit="ms")
        note = f"{felt.grown / max(plain.grown, 0.1):.1f} × plain text's {plain.grown:.0f} MB"
        yield Row(f"{what}: memory, at most", felt.grown, 300, "MB", note)


def _rows(what: str, keys: list[float], plain: list[float]) -> Iterator[Row]:
    p95, plain_p95 = percentile(keys, 95), percentile(plain, 95)
    note = f"{p95 / plain_p95:.1f} × plain text's; p50/p95/max {told(keys)}, {told(plain)}"
    yield Row(f"{what}: key to paint, p95", 1000 * p95, 250, "ms", note)
    worst, plain_worst = max(keys), max(plain)
    note = f"{worst / plain_worst:.1f} × plain text's"
    yield Row(f"{what}: key to paint, worst", 1000 * worst, 1000, "ms", note)


def _felt(server: Scripted, text: str) -> Felt:
    environ = {"ANTHROPIC_API_KEY": "sk-test", "ANTHROPIC_BASE_URL": server.url}
    felt = Felt()
    with new_home() as home, recording("tui", home=home, **environ) as screen:
        screen.until("Ask Claude something")
        screen.until_idle()
        before = screen.resident
        sent = Passed()
        last = delta(0, "text_delta", text=f"\n\n{LAST}")
        server.will(Reply([*_opened(), *_arriving(text), last, sent, *_closed()]))
        screen.press(f"go{ENTER}")
        screen.watch(0.1)
        felt.keys["streamed"] = _type(screen, 0, int((SECONDS + 3) / EVERY))
        felt.late = screen.until(LAST) - sent.at
        screen.press(f"{CTRL_U}{CTRL_N}")
        screen.until_idle()
        # The first conversation is no longer in memory, only in the history.
        screen.press(CTRL_PAGE_DOWN)
        felt.keys["whole"] = _type(screen, 1, 30)
        screen.until_idle()
        felt.pasted, felt.keys["question"] = _pasted(screen, server, text)
        felt.grown = screen.most_resident - before
    return felt


def _pasted(screen: Recording, server: Scripted, text: str) -> tuple[float, list[float]]:
    """Paste a text, type below it, send it, and continue typing."""
    server.will(Reply([*_opened(), delta(0, "text_delta", text="yes"), *_closed()]))
    screen.press(f"{CTRL_U}{CTRL_N}")
    screen.until_idle()
    began, written = monotonic(), len(screen.written)
    screen.press(f"{PASTE.format(text)}{AFTER}")
    pasted = screen.until(AFTER, since=written) - began
    typed = _type(screen, 2, 20)
    screen.press(ENTER)
    return pasted, [*typed, *_type(screen, 3, 20)]


def _type(screen: Recording, place: int, count: int) -> list[float]:
    first = 0x100 + 80 * place
    return screen.type("".join(chr(first + n) for n in range(count)), EVERY)


def _opened() -> list[Step]:
    return [start(), block(0, {"type": "text", "text": ""})[0]]


def _closed() -> list[Step]:
    return [block(0, {"type": "text", "text": ""})[1], *end()]


def _arriving(text: str) -> Iterator[Step]:
    count = int(30 * SECONDS)
    size = len(text) // count + 1
    for at in range(0, len(text), size):
        yield Wait(1 / 30)
        yield delta(0, "text_delta", text=text[at : at + size])
