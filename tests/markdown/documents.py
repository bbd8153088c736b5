"""Documents to stream, and checks that hold for every document, streamed or not."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import count, pairwise

from rich.cells import cell_len

from tui.text.markdown import Document, Leaf, Row, TableLeaf
from tui.text.markdown.row import KEPT_ROWS
from tui.text.sanitise import clean

WORDS = """the quick brown fox jumps over a lazy dog while reading about “streaming” documents –
and what they cost""".split()  # noqa: SIM905 - reads better than thirty quotes

CLUSTERS = ["👩‍👩‍👧", "👍🏽", "🇫🇷🇩🇪", "e\u0301", "❤️", "ok", "fine", "한국어", "ไทย"]


class Author:
    """Writes documents, the same ones every time."""

    def __init__(self, seed: int = 1) -> None:
        self._random = random.Random(seed)

    def long(self, paragraph: Callable[[], str], length: int, opening: str = "") -> str:
        text = [opening]
        while sum(map(len, text[-50:])) < length and len("".join(text)) < length:
            text.append(paragraph())
        return "".join(text)

    def sentence(self) -> str:
        words = self._random.choices(WORDS, k=self._random.randint(5, 20))
        return " ".join(words).capitalize() + "."

    def prose(self) -> str:
        return " ".join(self.sentence() for _ in range(4)) + "\n\n"

    def heading(self) -> str:
        return f"## {self.sentence()}\n\n"

    def code(self) -> str:
        lines = "".join(f"def f{n}(x):\n\treturn x * {n}  # {n}\n\n" for n in range(9))
        return f"```python\n{lines}```\n\n"

    def item(self) -> str:
        return f"- {self.sentence()} **bold** `code`\n"

    def numbered(self) -> str:
        return f"1. {self.sentence()}\n   - under it {self.sentence()}\n"

    def step(self) -> str:
        lines = "".join(f"   x{n} = {n}\n" for n in range(20))
        return f"1. Step\n\n   ```py\n{lines}   ```\n\n"

    def record(self) -> str:
        return f"| {self._random.choice(WORDS)} | {self.sentence()} | *{self.number()}* |\n"

    def table(self) -> str:
        return TABLE_HEAD + "".join(self.record() for _ in range(6)) + "\n"

    def quote(self) -> str:
        return f"> {self.sentence()}\n>\n> - {self.sentence()}\n\n"

    def number(self) -> int:
        return self._random.randint(0, 9999)

    def chinese(self) -> str:
        length = self._random.randint(30, 200)
        return "".join(chr(self._random.randint(0x4E00, 0x9000)) for _ in range(length)) + "。"

    def emoji(self) -> str:
        return " ".join(self._random.choices(CLUSTERS, k=40)) + "\n\n"

    def mixed(self) -> str:
        kinds = [self.heading, self.prose, self.code, self.table, self.quote, self.list]
        return self._random.choice(kinds)()

    def list(self) -> str:
        return "".join(self.item() for _ in range(5)) + "\n"


TABLE_HEAD = "| name | words | n |\n|---|:-:|--:|\n"

KINDS: dict[str, Callable[[Author, int], str]] = {
    "prose": lambda author, length: author.long(author.prose, length),
    "mixed": lambda author, length: author.long(author.mixed, length),
    "fence": lambda author, length: author.long(author.item, length, "```md\n") + "```\n",
    "table": lambda author, length: author.long(author.record, length, TABLE_HEAD),
    "list": lambda author, length: author.long(author.item, length),
    "numbered": lambda author, length: author.long(author.numbered, length),
    "steps": lambda author, length: author.long(author.step, length),
    "quotes": lambda author, length: author.long(author.quote, length),
    "paragraph": lambda author, length: author.long(lambda: author.sentence() + " ", length),
    "chinese": lambda author, length: author.long(lambda: author.chinese() + "\n\n", length),
    "emoji": lambda author, length: author.long(author.emoji, length),
}
"""By kind: a function that writes a document of about a given length."""


def written(kind: str, length: int) -> str:
    return KINDS[kind](Author(), length)


def chunks(text: str, size: int | str) -> list[str]:
    """Cut a text into pieces of a size, into lines, or at random."""
    if isinstance(size, int):
        return [text[start : start + size] for start in range(0, len(text), size)]
    if size == "line":
        return text.splitlines(keepends=True)
    rng = random.Random(size)
    cuts = sorted(rng.choices(range(len(text) + 1), k=len(text) // 30))
    return [text[a:b] for a, b in pairwise([0, *cuts, len(text)])]


def unhurried() -> Document:
    """Return a document whose flushes seem to take no time, so that none is delayed."""
    return Document(clock=lambda: 0.0)


def streamed(pieces: Iterable[str], drawn_at: int = 0) -> Document:
    """Return a document that was fed piece by piece and is not finished.

    If `drawn_at` is a width, its last rows are drawn after each piece, as on a screen.
    """
    document = unhurried()
    for piece in pieces:
        document.feed(piece)
        document.flush()
        if drawn_at:
            draw_end(document, drawn_at)
    return document


def draw_end(document: Document, width: int) -> None:
    left = 40
    for leaf in reversed(document.leaves):
        height = leaf.height(width)
        for index in range(max(0, height - left), height):
            leaf.row(index, width)
        left -= height
        if left <= 0:
            return


def keys(document: Document) -> list[object]:
    return [leaf.key for leaf in document.leaves]


def rows_of(leaf: Leaf, width: int) -> list[Row]:
    return [leaf.row(index, width) for index in range(leaf.height(width))]


def rows(document: Document, width: int) -> Iterator[Row]:
    for leaf in document.leaves:
        yield from rows_of(leaf, width)


def words_shown(document: Document, width: int) -> str:
    """Return the drawn text, without prefixes and with wrapped words joined again."""
    return "\n".join(_line_texts(document, width))


def _line_texts(document: Document, width: int) -> Iterator[str]:
    for leaf in document.leaves:
        if isinstance(leaf, TableLeaf):
            yield from _cell_texts(leaf, width)
            continue
        shown = ""
        before: Row | None = None
        for row in rows_of(leaf, width):
            is_same_line = before is not None and before.line == row.line
            if is_same_line and before is not None and row.column > before.place(10**6):
                shown += " "
            elif not is_same_line:
                shown += "\n"
            plain = row.content.plain
            if row.line < 0:
                # The label of code or of a tool is all prefix.
                labels = row.content.spans
                shown += "".join(plain[start:end] for start, end, _ in labels)
            else:
                shown += plain[row.prefix :]
            before = row
        yield shown


def _cell_texts(leaf: TableLeaf, width: int) -> Iterator[str]:
    drawn = rows_of(leaf, width)
    yield "".join(row.content.plain[row.prefix :] for row in drawn)
    for index, line in enumerate(leaf.lines()):
        # A label may be at the end of the line, before an empty cell.
        shown = [" "] * (len(line) + 1)
        for row in drawn:
            for position, character in enumerate(row.content.plain):
                if row.line == index and not character.isspace():
                    shown[row.place(position)] = character
        yield "".join(shown)


def assert_sound(document: Document, width: int) -> None:
    """Check that each row fits, is clean, keeps its identity and shows its part of its line."""
    for leaf in document.leaves:
        drawn = rows_of(leaf, width)
        assert leaf.height(width) == len(drawn) > 0
        for index, row in enumerate(drawn):
            plain = row.content.plain
            assert cell_len(plain) <= max(width, 2), (width, plain)
            assert clean(plain) == plain
            assert "\n" not in plain
            assert "\t" not in plain
            if len(drawn) < KEPT_ROWS:
                assert leaf.row(index, width) is row
        if isinstance(leaf, TableLeaf):
            _assert_cells_are_whole(leaf, drawn)
        else:
            _assert_lines_are_whole(leaf.lines(), [row for row in drawn if row.line >= 0])


def _assert_lines_are_whole(lines: Sequence[str], drawn: list[Row]) -> None:
    for index, line in enumerate(lines):
        parts = [row for row in drawn if row.line == index]
        end = 0
        for row in parts:
            # A wrap may split a tab.
            start = min(row.column, end) if row.places else end
            assert row.column == start or line[start : row.column] in {" ", "\t"}
            words = row.content.plain[row.prefix :]
            end = row.place(10**6)
            if row.places:
                assert len(row.places) == len(words)
                assert words.replace(" ", "") == re.sub("[ \t]", "", line[row.column : end])
            else:
                assert words == line[row.column : end]
        assert not parts or end == len(line)


def _assert_cells_are_whole(leaf: TableLeaf, drawn: list[Row]) -> None:
    for index, line in enumerate(leaf.lines()):
        covered = {
            row.place(position)
            for row in drawn
            if row.line == index
            for position in range(row.prefix, len(row.content.plain))
        }
        if covered or index:
            missing = {n for n, character in enumerate(line) if character not in " |"}
            assert missing <= covered


def numbered_words(template: str, sign: str = "§") -> str:
    """Replace each sign by a unique word."""
    numbers = count()
    return re.sub(sign, lambda _: f"wq{next(numbers)}z", template)


def words_in(text: str) -> list[str]:
    return re.findall("wq[0-9]+z", text)
