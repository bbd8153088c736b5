"""Texts as people and models write them: links, isolates, tildes, tabs, breaks, formulas."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.markdown.documents import assert_sound, chunks, rows, unhurried
from tests.markdown.test_document import links
from tui.text.markdown import CodeLeaf, Document
from tui.text.sanitise import clean, clean_line


def drawn(text: str, width: int = 60) -> list[str]:
    return [row.content.plain.rstrip() for row in rows(Document.from_text(text), width)]


@pytest.mark.parametrize(
    ("text", "targets"),
    [
        ("https://example.com/docs（a）b", ["https://example.com/docs"]),
        ("https://example.com/x。次", ["https://example.com/x"]),
        (
            "https://a.org/日本語、https://b.org/x「y」",
            ["https://a.org/日本語", "https://b.org/x"],
        ),
        ("www.example.com，和", ["https://www.example.com"]),
        ("https://a.org/x！", ["https://a.org/x"]),
        ("https://a.org/佐々木・x?q=（", ["https://a.org/佐々木・x?q="]),
        ("[a](https://a.org/（b）)", ["https://a.org/%EF%BC%88b%EF%BC%89"]),
    ],
)
def test_a_bare_link_ends_at_full_width_punctuation(text: str, targets: list[str]) -> None:
    found = [target for _, target in links(Document.from_text(text).leaves[0])]
    assert found == targets


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\u2068שלום\u2069b", "a\u2068שלום\u2069b"),
        ("a\u2067x\u2066y\u2069z\u2069b", "a\u2067x\u2066y\u2069z\u2069b"),
        ("a\u2068b", "a\ufffdb"),
        ("a\u2069b\u2068", "a\ufffdb\ufffd"),
        ("\u2068a\u2068b\u2069", "\ufffda\u2068b\u2069"),
        ("\u2068a\nb\u2069", "\ufffda\nb\ufffd"),
        ("\u2068a\u202eb\u2069", "\u2068a\ufffdb\u2069"),
    ],
)
def test_isolates_stay_if_they_are_balanced_in_their_line(text: str, shown: str) -> None:
    assert clean(text) == shown
    assert clean(shown) == shown
    # A text that may be cut must have none of these.
    assert not set("\u2066\u2067\u2068\u2069") & set(clean_line(text))


@given(st.text(st.sampled_from("ab \n\u2066\u2067\u2068\u2069\u202e")), st.integers(2, 12))
def test_no_row_leaves_an_isolate_open(text: str, width: int) -> None:
    for row in rows(Document.from_text(text), width):
        assert clean(row.content.plain) == row.content.plain.replace("\u2060", "")


def test_isolates_are_seen_as_such_while_they_stream() -> None:
    text = "one \u2068two three\u2069 four\n\n"
    document = unhurried()
    for piece in chunks(text, 3):
        document.feed(piece)
        document.flush()
        assert not any("\ufffd" in line for leaf in document.leaves for line in leaf.lines())
    assert document.leaves[0].lines() == ["one \u2068two three\u2069 four"]


@pytest.mark.parametrize(
    ("text", "struck"),
    [
        ("~one tilde~", ["one tilde"]),
        ("~~two~~ and ~one~", ["two", "one"]),
        ("~one~~", []),
        ("~~~three~~~ x", []),
        ("~/a and ~/b, 5 ~ 6", []),
    ],
)
def test_one_tilde_strikes_through_as_two_do(text: str, struck: list[str]) -> None:
    row = next(rows(Document.from_text(f"x {text}"), 60))
    spans = [span for span in row.content.spans if span.style == "strike"]
    assert [row.content.plain[span.start : span.end] for span in spans] == struck


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("a\tx", "a   x"),
        ("日\tx", "日  x"),
        ("日本\tx", "日本    x"),
        ("日本語\tab\tx", "日本語  ab  x"),
        ("👩‍👩‍👧\tx", "👩‍👩‍👧  x"),
        ("e\u0301\tx", "e\u0301   x"),
    ],
)
def test_tabs_stop_at_cells(line: str, shown: str) -> None:
    document = Document.from_text(f"```py\n{line}\n```")
    assert drawn(f"```py\n{line}\n```")[1] == f" {shown}"
    assert_sound(document, 60)
    leaf = document.leaves[0]
    assert isinstance(leaf, CodeLeaf)
    row = leaf.row(1, 60)
    # The last character of the row is the last of the line.
    assert row.place(len(row.content.plain) - 1) == len(line) - 1
    assert drawn(line)[0] == shown


def test_a_break_in_a_cell_breaks_its_line() -> None:
    text = "| a | b |\n|--|--|\n| one<br>two <BR/> three | x |\n| y | z |"
    assert drawn(text) == [
        "a     │ b",
        "──────┼──",
        "one   │ x",
        "two   │",
        "three │",
        "y     │ z",
    ]
    document = Document.from_text(text)
    assert document.leaves[0].lines() == ["a | b", "one two  three | x", "y | z"]
    for width in (2, 5, 9, 30):
        assert_sound(document, width)
    assert "one" in drawn(text, 8)[2]


@pytest.mark.parametrize(
    ("text", "record"),
    [
        (r"| r \| s | t |", r"r | s | t"),
        (r"| `p \| q` | t |", "p | q | t"),
        ("| `p | q` |", "`p | q`"),
        (r"| `a\|b\|c` | `<br>` |", "a|b|c | <br>"),
        (r"| \`x\` | `\\` |", r"`x` | \\"),
    ],
)
def test_pipes_in_cells_are_as_gfm_has_them(text: str, record: str) -> None:
    leaf = Document.from_text(f"| a | b |\n|---|---|\n{text}\n").leaves[0]
    assert leaf.lines()[1] == record


FORMULAS = [
    r"\begin{pmatrix} a & b \\ c & d \end{pmatrix}",
    r"\[ E = mc^2 \]",
    r"\(a^2\)",
    r"$\{x\}$",
    r"$$ a_1 * b_2 * c $$",
    r"$a_1 + b_1$",
]


@pytest.mark.parametrize("formula", FORMULAS)
@pytest.mark.parametrize("around", ["{}", "So {} holds.", "- {} x", "| a |\n|--|\n| {} |"])
def test_a_formula_is_shown_as_it_was_written(formula: str, around: str) -> None:
    text = around.format(formula)
    assert formula in "\n".join(drawn(text, 90))
    assert not [
        span.style for row in rows(Document.from_text(text), 90) for span in row.content.spans
        if span.style == "italic"
    ]  # fmt: skip


@pytest.mark.parametrize(
    "lines",
    [
        ["$$", r"\frac{a_1}{b_2} \\", "- *x* + 1", "# 2", "$$"],
        [r"\[", "= a", r"- b \\", "---", r"\]"],
        [r"\begin{align}", r"x &= 1 \\", "  y &= 2", r"\end{align}"],
    ],
)
def test_a_formula_of_several_lines_keeps_them(lines: list[str]) -> None:
    text = "\n".join(lines)
    assert drawn(f"Thus:\n\n{text}\n\nDone.") == ["Thus:", "", *lines, "", "Done."]
    quoted = "\n".join(f"> {line}" for line in lines)
    assert drawn(quoted) == [f"▌ {line}" for line in lines]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("$5 and $6 for *two*", "$5 and $6 for two"),
        ("$5/\\*$6", "$5/*$6"),
        ("`$\\{x\\}$`", "$\\{x\\}$"),
        ("\\(only opened *x*", "(only opened x"),
        ("\\[a] \\$5\\$", "[a] $5$"),
        ("a $ b * c $ d", "a $ b * c $ d"),
        ("\\\\(x\\\\)", "\\(x\\)"),
        ("$a `b$` *c*", "$a b$ c"),
    ],
)
def test_text_that_is_not_a_formula_is_parsed_as_before(text: str, shown: str) -> None:
    assert drawn(text) == [shown]
