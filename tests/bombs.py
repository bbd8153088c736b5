"""Texts of any size that could cost far more to lay out than their length suggests.

A size of 1 is the largest that is likely in a reply. Tests use smaller ones.
"""

from __future__ import annotations

from collections.abc import Callable

FAMILY = "👩‍👩‍👧‍👦"


def bomb(name: str, size: float = 1.0) -> str:
    """Return a text of a kind named in `BOMBS`."""
    return BOMBS[name](size)


def _count(whole: int, size: float) -> int:
    return max(1, round(whole * size))


def _repeated(piece: str, count: int, opening: str = "") -> Callable[[float], str]:
    return lambda size: opening + piece * _count(count, size)


def _wide_table(size: float) -> str:
    columns = _count(10_000, size)
    cells = "|".join(f" c{n} " for n in range(columns))
    return f"|{cells}|\n|{'-|' * columns}\n|{cells}|\n|{cells}|\n"


def _tall_table(size: float) -> str:
    head = f"|{' head |' * 30}\n|{'-|' * 30}\n"
    return head + f"|{' a cell |' * 30}\n" * _count(10_000, size)


def _references(size: float) -> str:
    count = _count(40_000, size)
    links = "".join(f"[a{n}]: http://a.example/{n}\n" for n in range(count))
    return f"{links}\n{' '.join(f'[a{n}]' for n in range(0, count, 40))}\n"


def _unresolved(size: float) -> str:
    return " ".join(f"[a{n}][b{n}]" for n in range(_count(40_000, size)))


def _nested_lists(size: float) -> str:
    # The length grows with the square of the depth: a depth of 10,000 is 100 MB.
    return "".join(f"{'  ' * n}- item {n}\n" for n in range(_count(1_000, size)))


def _nested_on_a_line(size: float) -> str:
    return "- " * _count(10_000, size) + "x\n"


def _growing_backticks(size: float) -> str:
    return " ".join("`" * n for n in range(1, _count(700, size)))


def _long_heading(size: float) -> str:
    return f"# {'word ' * _count(200_000, size)}\n"


def _long_code_line(size: float) -> str:
    return f"```python\nx = '{'y' * _count(1_000_000, size)}'\n```\n"


def _deep_emphasis(size: float) -> str:
    count = _count(10_000, size)
    return "*a _b " * count + "b_ a*" * count


def _tight_items(size: float) -> str:
    return "".join(f"- item {n}\n\n" for n in range(_count(10_000, size)))


def _numbered_lines(size: float) -> str:
    return "".join(f"line {n} \\\n" for n in range(_count(40_000, size)))


BOMBS: dict[str, Callable[[float], str]] = {
    "opening brackets": _repeated("[", 50_000),
    "opening pictures": _repeated("![", 50_000),
    "pictures in pictures": lambda size: (
        "![" * _count(20_000, size) + "](a)" * _count(20_000, size)
    ),
    "links in links": lambda size: "[" * _count(20_000, size) + "](a)" * _count(20_000, size),
    "a cell": lambda size: f"|a|\n|-|\n|{'*a* b ' * _count(40_000, size)}|\n",
    "cells of a letter": _repeated(f"{'|a' * 30}|\n", 10_000, f"{'|a' * 30}|\n{'|-' * 30}|\n"),
    "brackets in brackets": lambda size: (
        "[" * _count(25_000, size) + "]" * _count(25_000, size)
    ),
    "links never closed": _repeated("[a](b", 20_000),
    "links without target": _unresolved,
    "link references": _references,
    "columns": _wide_table,
    "records": _tall_table,
    "nested quotes": _repeated("> ", 10_000),
    "nested quotes, one a line": lambda size: "".join(
        f"{'>' * n} x\n" for n in range(_count(1_000, size))
    ),
    "nested lists": _nested_lists,
    "lists on a line": _nested_on_a_line,
    "items": _tight_items,
    "one line": _repeated("word ", 200_000),
    "one word": _repeated("x", 1_000_000),
    "wide characters": _repeated("漢字仮名", 100_000),
    "hard breaks": _numbered_lines,
    "stars": _repeated("*", 50_000),
    "stars and letters": _repeated("*a ", 50_000),
    "underscores": _repeated("_a", 50_000),
    "tildes": _repeated("~~a ", 40_000),
    "emphasis in emphasis": _deep_emphasis,
    "emphasised words": _repeated("*a* **b** `c` ", 20_000),
    "growing backticks": _growing_backticks,
    "backticks": _repeated("`a", 50_000),
    "code never closed": _repeated("`` a ` ", 20_000),
    "comments": _repeated("<!-- a ", 20_000),
    "comment never closed": _repeated("a line\n", 40_000, "<!--\n"),
    "angles": _repeated("<", 50_000),
    "tags": _repeated("<a href=x ", 20_000),
    "instructions": _repeated("a <?", 30_000),
    "declarations": _repeated("a <![CDATA[", 30_000),
    "long code line": _long_code_line,
    "code with tabs": _repeated("\t", 300_000, "```\n"),
    "combining characters": lambda size: "a" + "\u0301" * _count(10_000, size),
    "more combining characters": lambda size: ("a" + "\u0301" * 100) * _count(3_000, size),
    "joined emoji": lambda size: "\u200d".join("👩" * _count(20_000, size)),
    "families": _repeated(FAMILY, 30_000),
    "flags": _repeated("🇳🇴", 50_000),
    "addresses": _repeated("https://a.example/b ", 20_000),
    "an address": _repeated("(a.", 100_000, "https://a.example/"),
    "brackets closed": _repeated(")", 100_000, "https://a.example/"),
    "mails": _repeated("<a@b.c> ", 30_000),
    "tabs": _repeated("\t", 300_000, "a"),
    "long heading": _long_heading,
    "headings": _repeated("# a\n", 30_000),
    "underlined": _repeated("a\n", 40_000),
    "blank lines": _repeated("\n", 100_000, "a"),
    "line ends of Windows": _repeated("a\r\n\r\n", 30_000),
    "rules": _repeated("---\n\n", 30_000),
    "fences": _repeated("```\nx\n```\n", 20_000),
    "fence in a list": _repeated("  x = 1\n", 40_000, "- ```python\n"),
    "indented code": _repeated("    x = 1\n", 40_000),
    "entities": _repeated("&amp;", 60_000),
    "escapes": _repeated("\\*", 100_000),
    "pipes": _repeated("|", 200_000),
    "pipes under pipes": _repeated("|a|\n|-|\n", 20_000),
    "titles never closed": _repeated('[a](b "', 20_000),
    "reference never closed": _repeated("a\n", 30_000, "[a]: b '\n"),
}
