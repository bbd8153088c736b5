"""Makes a long history, the same every time: `python -m tests.benchmarks.history PATH`.

Word frequencies follow Zipf's law, and the conversations cover three years. A few sentences
are Japanese, and a few words are in three messages only.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from itertools import accumulate
from pathlib import Path

from tui.domain.cjk import bigrams
from tui.domain.normalise import normalise
from tui.store import open_store

NOW_MS = 1_795_356_120_000
THREE_YEARS = 3 * 365 * 86_400_000
COMMON = ("the", "of", "a", "to", "and", "in", "is", "that", "it", "for", "stream", "with")
RARE = "quinquagesima"
PHRASE = "of the stream"
JAPANESE = ("東京の天気を検索した。", "日本語の文章です。", "猫が窓を見ている。")
VOCABULARY = 60_000
BATCH = 5_000
BLOCK = '{"type":"text","text":null}'

_ONSETS = ("b", "br", "ch", "d", "f", "g", "h", "k", "l", "m", "n", "p", "qu", "r", "s", "st")
_RIMES = ("a", "al", "an", "e", "el", "en", "i", "in", "o", "on", "or", "u", "um", "y")


def vocabulary() -> list[str]:
    """Return the words, the most frequent one first."""
    chance = random.Random(1)
    words = dict.fromkeys(COMMON)
    while len(words) < VOCABULARY:
        syllables = (
            chance.choice(_ONSETS) + chance.choice(_RIMES)
            for _ in range(chance.choice((1, 2, 2, 3, 3, 4)))
        )
        words["".join(syllables)] = None
    return list(words)


class _Writer:
    """Writes sentences with natural word frequencies."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self._words = vocabulary()
        self._weights = list(accumulate(1 / (rank + 2) for rank in range(VOCABULARY)))

    def text(self, words: int) -> str:
        """Return about `words` words, in sentences."""
        chosen = self._chance.choices(self._words, cum_weights=self._weights, k=words)
        lines = (
            " ".join(chosen[at : at + 12]).capitalize() for at in range(0, len(chosen), 12)
        )
        return ". ".join(lines) + "."

    def number(self, least: int, most: int) -> int:
        """Return a random whole number; small ones are more frequent."""
        return round(self._chance.triangular(least, most, least))


Rows = tuple[list[tuple[object, ...]], list[tuple[object, ...]], list[tuple[object, ...]]]


def _rows(conversations: int, messages: int, seed: int) -> Iterator[Rows]:
    """Yield the rows of conversations, messages and blocks, in batches."""
    writer = _Writer(seed)
    each = messages // conversations
    made: Rows = ([], [], [])
    n = 0
    for number in range(conversations):
        used_ms = NOW_MS - THREE_YEARS + THREE_YEARS * (number + 1) // conversations
        conversation_id, parent = f"{number:032x}", None
        title = writer.text(5)[:-1]
        for turn in range(each):
            n += 1
            role = "assistant" if turn % 2 else "user"
            text = writer.text(writer.number(30, 110) if turn % 2 else writer.number(4, 30))
            if n % 97 == 0:
                text += " " + JAPANESE[n % len(JAPANESE)]
            if n in (messages // 3, messages // 2, messages - 10):
                text += f" {RARE}."
            message_id = f"{number:024x}{turn:08x}"
            created_ms = used_ms - (each - turn) * 60_000
            model = "claude-sonnet-5-5" if turn % 2 else None
            made[1].append(
                (n, message_id, conversation_id, parent, role, "complete", created_ms, model)
            )
            made[2].append((n, message_id, 0, "text", text, bigrams(text), BLOCK))
            parent = message_id
        made[0].append(
            (
                conversation_id,
                title,
                normalise(title),
                "claude-sonnet-5-5",
                parent,
                used_ms,
                used_ms,
            )
        )
        if len(made[1]) >= BATCH:
            yield made
            made = ([], [], [])
    yield made


def generate(path: Path, conversations: int, messages: int, *, seed: int = 0) -> None:
    """Write a history; the same arguments give the same history."""
    with open_store(path) as store:
        # The first write makes the tables.
        asyncio.run(store.recover())
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA cache_size = -200000")
        for done, batch in enumerate(_rows(conversations, messages, seed)):
            connection.execute("BEGIN")
            connection.executemany(
                "INSERT INTO conversations (id, title, folded_title, model, tip_id,"
                " created_ms, updated_ms) VALUES (?, ?, ?, ?, ?, ?, ?)",
                batch[0],
            )
            connection.executemany(
                "INSERT INTO messages (n, id, conversation_id, parent_id, role, state,"
                " created_ms, model) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                batch[1],
            )
            connection.executemany(
                "INSERT INTO blocks (n, message_id, seq, type, text, pairs, data)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                batch[2],
            )
            connection.execute("COMMIT")
            if done % 40 == 0:
                sys.stderr.write(f"\r{100 * done * BATCH // messages} % written")
        connection.execute("PRAGMA optimize")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    sys.stderr.write("\n")


def main() -> None:
    """Write a history to the path that the arguments name."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.history", description=__doc__
    )
    parser.add_argument("path", type=Path)
    parser.add_argument("--conversations", type=int, default=100_000)
    parser.add_argument("--messages", type=int, default=2_000_000)
    options = parser.parse_args()
    generate(options.path, options.conversations, options.messages)


if __name__ == "__main__":
    main()
