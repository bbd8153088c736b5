"""The document while it grows, and when it is complete.

`MARKDOWN_EXAMPLES=20000 pytest tests/markdown/test_document.py` tries that many generated
documents, instead of the few of a normal run.
"""

from __future__ import annotations

import os
import re
import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from textual.style import Style

from tests.markdown.documents import (
    KINDS,
    assert_sound,
    chunks,
    keys,
    numbered_words,
    rows,
    rows_of,
    streamed,
    unhurried,
    words_in,
    words_shown,
    written,
)
from tui.text.markdown import Aside, CodeLeaf, Document, Leaf, Row, TextLeaf, leaf_lines, parse
from tui.text.sanitise import clean

WIDTHS = [2, 9, 23, 80, 200]

EXAMPLES = int(os.environ.get("MARKDOWN_EXAMPLES", "120"))
many = settings(
    max_examples=EXAMPLES,
    database=None,
    suppress_health_check=list(HealthCheck),
)

FRAGMENTS = [
    *("\n", "\n\n", " ", "  ", "\t", "    ", "\r\n", "\r", "§", "§ § §", "\\", "\\\n", "  \n"),
    *("# §", "## § #", "===\n", "---\n", "***\n", "- ", "* §\n", "+ ", "1. ", "7) §\n", "-\n"),
    *("> ", ">", "> §\n> §\n", "- [ ] §\n", "- [x] §\n", "1. [ ] §", "   - §\n", "      § "),
    *("```§\n", "```", "~~~\n§\n~~~~\n", "````\n", "`§`", "`", "``", "\n```python\nif §:\n"),
    *("| § | § |\n", "|---|:-:|\n", "|", "a | §\n-|-\n", "| § | § | § |\n", "\\|", ":-"),
    *("*", "**", "_", "~~", "*§*", "**§**", "~~§~~", "***§***"),
    *("[§](/a)", "[a]: /u '§'\n", "[a]: /u\n", "[§][a]", "[a]", "![§](/i)", "<https://x.y/§>"),
    *("https://x.y/§", "www.x.y/(§)", "[^1]: §\n", "[^1]", "[^1]: § §", "<!-- § -->", "<!-- "),
    *("<div>\n§\n</div>\n", "<b>§</b>", "</div>", "<br>", "<pre>\n", "&amp;", "&#27;", "&lt;"),
    *("\x1b[31m", "\u202e", "\u200b", "\ufeff", "\x0c", "\u2028", "\ud83d", "\ude00", "\0"),
    *("中文字符", "👩‍👩‍👧", "🇫🇷🇩🇪", "é", "e\u0301", "\u200d", "\ufe0f", "❤️", "한국어"),
]


def _indented(text: str, first: str, rest: str) -> str:
    return first + text.replace("\n", f"\n{rest}")


documents = st.recursive(
    st.lists(st.sampled_from(FRAGMENTS), min_size=1, max_size=8).map("".join),
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=4).map("".join),
        st.lists(inner, min_size=2, max_size=3).map("\n\n".join),
        st.tuples(inner, st.sampled_from([("> ", "> "), ("- ", "  "), ("12. ", "    ")])).map(
            lambda pair: _indented(pair[0], *pair[1]) + "\n"
        ),
        inner.map(lambda text: f"```py\n{text}\n```\n"),
        inner.map(lambda text: f"| § | § |\n|--|--|\n| {text} | § |\n"),
    ),
    max_leaves=6,
).map(numbered_words)


@many
@given(documents, st.data())
def test_any_document_cut_anywhere_ends_as_if_read_at_once(
    text: str, data: st.DataObject
) -> None:
    sizes: st.SearchStrategy[int | str] = st.sampled_from([1, 3, 17, 60, "line", "random"])
    size = data.draw(sizes)
    width = data.draw(st.integers(2, 90))
    document = streamed(chunks(text, size), drawn_at=width)
    assert_sound(document, width)
    document.finish()
    whole = Document.from_text(text)
    assert document.source == text
    assert keys(document) == keys(whole)
    pairs = zip(rows(document, width), rows(whole, width), strict=True)
    assert all(streamed_row.looks_like(row) for streamed_row, row in pairs)
    assert_sound(document, data.draw(st.integers(2, 90)))


@many
@given(documents, st.integers(2, 90))
def test_no_word_of_any_document_is_lost(text: str, width: int) -> None:
    shown = set(words_in(words_shown(Document.from_text(text), width)))
    # The language of code is a label: it may be cut, and is missing above empty code.
    labels = words_in(" ".join(re.findall(r"(?:`{3,}|~{3,})[^\n]*", text)))
    assert set(words_in(text)) - shown - set(labels) == set()


@pytest.mark.parametrize("size", [1, 7, 240, "line", "random"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_streamed_document_is_right_before_it_is_finished(kind: str, size: int | str) -> None:
    text = written(kind, 600 if size == 1 else 2_500) + "\n\n"
    document = streamed(chunks(text, size), drawn_at=60)
    whole = Document.from_text(text)
    assert keys(document) == keys(whole)
    assert document.finish() == len(whole.leaves)
    pairs = zip(rows(document, 60), rows(whole, 60), strict=True)
    assert all(ours.looks_like(row) for ours, row in pairs)


@pytest.mark.parametrize("size", [7, "line"])
@pytest.mark.parametrize("kind", KINDS)
def test_two_streamed_texts_are_each_read_by_itself(kind: str, size: int | str) -> None:
    text, aside = written(kind, 900), Aside("▸ a tool")
    document = unhurried()
    for passage in (aside, text, aside, aside, text, text):
        if isinstance(passage, Aside):
            document.part(passage)
        else:
            document.part()
            for piece in chunks(passage, size):
                document.feed(piece)
                document.flush()
    document.feed("\n\n")
    document.flush()
    assert_sound(document, 60)
    assert document.passages == (aside, text, aside, aside, text, f"{text}\n\n")
    leaves = parse(document.passages)
    assert [leaf.key for leaf in document.leaves] == [leaf.key for leaf in leaves]
    document.finish()
    assert [leaf.key for leaf in document.leaves] == [leaf.key for leaf in leaves]


@many
@given(documents, documents, st.data())
def test_any_texts_cut_anywhere_end_as_if_read_at_once(
    first: str, second: str, data: st.DataObject
) -> None:
    size = data.draw(st.sampled_from([1, 3, 17, 60]))
    width = data.draw(st.integers(2, 90))
    document = unhurried()
    for text in (first, second):
        for piece in chunks(text, size):
            document.feed(piece)
            document.flush()
            for leaf in document.leaves:
                leaf.height(width)
        document.part(Aside("▸ a tool"))
        document.flush()
        assert_sound(document, width)
    shown = set(words_in(words_shown(document, width)))
    assert set(words_in(first)) | set(words_in(second)) <= shown
    document.finish()
    expected = parse((first, Aside("▸ a tool"), second, Aside("▸ a tool")))
    assert [leaf.key for leaf in document.leaves] == [leaf.key for leaf in expected]
    assert_sound(document, width)


@many
@given(documents)
def test_a_text_below_another_has_as_many_leaves_as_alone(text: str) -> None:
    alone = [leaf.lines() for leaf in parse(text)]
    assert [leaf.lines() for leaf in parse((text, text))] == [*alone, *alone]
    assert len(leaf_lines(clean(text))) == len(alone)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_document_is_sound_at_every_width(kind: str, width: int) -> None:
    assert_sound(Document.from_text(written(kind, 4_000)), width)


@pytest.mark.parametrize("kind", ["prose", "mixed", "list", "numbered", "quotes", "table"])
def test_words_that_are_shown_stay(kind: str) -> None:
    text = numbered_words(written(kind, 2_000).replace("fox", "§").replace("the", "§"))
    document = unhurried()
    shown: set[str] = set()
    for piece in chunks(text, 13):
        document.feed(piece)
        document.flush()
        now = set(words_in(words_shown(document, 60)))
        assert shown <= now
        shown = now
    assert shown == set(words_in(text))


@pytest.mark.parametrize("kind", KINDS)
def test_rows_that_look_the_same_are_the_same_while_a_document_grows(kind: str) -> None:
    document = unhurried()
    before: list[Row] = []
    for piece in chunks(written(kind, 3_000), 40):
        document.feed(piece)
        document.flush()
        now = list(rows(document, 60))
        for old, new in zip(before, now, strict=False):
            if not old.looks_like(new):
                break
            # A blank row changes together with the leaf below it.
            assert old is new or not new.content.plain.strip()
        before = now


@pytest.mark.parametrize("kind", KINDS)
def test_leaves_before_the_first_that_changed_are_untouched(kind: str) -> None:
    document = unhurried()
    for piece in chunks(written(kind, 5_000), 60):
        before = [(leaf, leaf.height(60)) for leaf in document.leaves]
        document.feed(piece)
        changed = document.flush()
        after = [(leaf, leaf.height(60)) for leaf in document.leaves]
        assert after[:changed] == before[:changed]


@pytest.mark.parametrize("kind", KINDS)
def test_only_the_end_of_a_document_is_parsed_again(kind: str) -> None:
    document = unhurried()
    longest = 0
    for piece in chunks(written(kind, 30_000), 240):
        document.feed(piece)
        document.flush()
        longest = max(longest, document.tail_length)
    assert longest <= (16_000 if kind == "paragraph" else 1_000)


def test_an_endless_paragraph_is_frozen_in_parts_and_complete_at_the_end() -> None:
    text = written("paragraph", 40_000)
    document = streamed(chunks(text, 500))
    assert len(document.leaves) > 1
    assert words_shown(document, 60).split() == text.split()
    document.finish()
    assert len(document.leaves) == 1


def test_a_dear_flush_is_followed_by_a_rest() -> None:
    now = 0.0

    def clock() -> float:
        nonlocal now
        now += 0.01  # so a flush takes 10 ms
        return now

    document = Document(clock)
    document.feed("word " * 500)
    assert document.flush() == 0
    document.feed("more")
    assert (document.flush(), document.is_behind) == (1, True)
    assert "more" not in words_shown(document, 80)
    now += 0.04
    assert (document.flush(), document.is_behind) == (0, False)
    assert "more" in words_shown(document, 80)


def test_finishing_does_not_wait_for_a_rest() -> None:
    document = Document(iter(n * 10.0 for n in range(9)).__next__)
    document.feed("word " * 500)
    document.flush()
    document.feed("more")
    document.finish()
    assert document.is_behind is False
    assert "more" in words_shown(document, 80)


def test_a_document_can_be_parsed_in_a_thread_and_put_in_place() -> None:
    text = written("mixed", 5_000)
    document = streamed(chunks(text, 100))
    parsed: list[Leaf] = []
    thread = threading.Thread(target=lambda: parsed.extend(parse(document.source)))
    thread.start()
    thread.join()
    document.replace(parsed)
    assert keys(document) == keys(Document.from_text(text))


def test_finishing_replaces_only_what_came_out_different() -> None:
    document = streamed(["one\n\n[two][a]\n\nthree\n\n", "[a]: http://a.example\n"])
    one, two, three = document.leaves[:3]
    assert document.finish() == 1
    assert document.leaves[0] is one
    assert document.leaves[1] is not two
    assert document.leaves[2] is three


def test_a_link_defined_before_it_is_used_is_a_link_at_once() -> None:
    document = streamed(["[a]: http://a.example\n\nthen\n\n", "see [it][a]"])
    assert links(document.leaves[-1]) == [("it", "http://a.example")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<https://a.example/x>", [("https://a.example/x", "https://a.example/x")]),
        ("at https://a.example/x(1).", [("https://a.example/x(1)",) * 2]),
        ("(www.a.example)", [("www.a.example", "https://www.a.example")]),
        ("[see](https://a.example 'title')", [("see", "https://a.example")]),
        ("![a *cat*](cat.png)", [("🖼 a cat", "cat.png")]),
        ("![](cat.png)", [("🖼 cat.png", "cat.png")]),
        ("`https://a.example`", []),
        (
            "[https://a.example](https://b.example)",
            [("https://a.example", "https://b.example")],
        ),
        ("README.md", []),
    ],
)
def test_links(text: str, expected: list[tuple[str, str]]) -> None:
    assert links(Document.from_text(text).leaves[0]) == expected


def links(leaf: Leaf) -> list[tuple[str, str]]:
    row = leaf.row(leaf.height(80) - 1, 80)
    return [
        (row.content.plain[start:end], style.meta["link"])
        for start, end, style in row.content.spans
        if isinstance(style, Style) and "link" in style.meta
    ]


LOOKS = [
    ("# One\n## Two\n\ntext", ["One", "", "Two", "", "text"]),
    ("Title\n===\ntext", ["Title", "", "text"]),
    ("- a\n  - b\n    - c\n\n- d", ["• a", "  ◦ b", "    ▪ c", "", "• d"]),
    ("3. a\n3. b\n\n   c\n", ["3. a", "4. b", "", "   c"]),
    ("9) a\n10) b", ["9) a", "10) b"]),
    ("- [ ] a\n- [x] b\n1. [x] c", ["☐ a", "☑ b", "", "1. ☑ c"]),
    ("- [ ]\n- [x]y", ["• [ ]", "• [x]y"]),
    ("-\n- a", ["•", "• a"]),
    ("> a\n>\n> > b\n\nc", ["▌ a", "▌", "▌ ▌ b", "", "c"]),
    ("> - a\n>   b\n> - c", ["▌ • a b", "▌ • c"]),
    ("a\\\nb  \nc\nd", ["a", "b", "c d"]),
    ("a\n***\nb", ["a", "", "─" * 30, "", "b"]),
    ("<!-- a -->\n\nb <br> c", ["<!-- a -->", "", "b <br> c"]),
    ("text[^1]\n\n[^1]: note", ["text[^1]", "", "[^1]: note"]),
    ("[a]: /b 'c'\n[d]: /e", ["[a]: /b 'c'", "[d]: /e"]),
    ("```py\tx\na\n\n\tb\n```", [" py  x · 3 lines       c copy", " a", "", "     b"]),
    ("    a\n\n    b", [" 3 lines               c copy", " a", "", " b"]),
    ("```\n```", [" 0 lines               c copy"]),
    ("~~a~~ **b** &amp; `c`", ["a b & c"]),
    ("&#27;[31m &#x202e;", ["\ufffd[31m \ufffd"]),
    ("a\rb\r\n\r\nc", ["a b", "", "c"]),
    ("", []),
]


@pytest.mark.parametrize(("text", "expected"), LOOKS)
def test_how_it_looks(text: str, expected: list[str]) -> None:
    drawn = [row.content.plain.rstrip() for row in rows(Document.from_text(text), 30)]
    assert drawn == expected


@pytest.mark.parametrize(
    ("text", "style"),
    [
        ("# a", "bold underline $primary"),
        ("### a", "bold $primary"),
        ("**a**", "bold"),
        ("*a*", "italic"),
        ("~~a~~", "strike"),
        ("`a`", "$text-warning on $surface"),
        ("> a", "$secondary"),
        ("<p>", "$foreground 70%"),
    ],
)
def test_styles(text: str, style: str) -> None:
    row = next(rows(Document.from_text(text), 30))
    assert style in [span.style for span in row.content.spans]


def test_the_lines_of_a_leaf_are_the_text_as_it_was_written() -> None:
    text = "a\\\n*b*\n\n```make\nall:\n\techo\n```\n\n---\n\n|a|b|\n|-|-|\n|1|2|\n"
    copied = [list(leaf.lines()) for leaf in Document.from_text(text).leaves]
    assert copied == [["a", "b"], ["all:", "\techo"], ["---"], ["a | b", "1 | 2"]]


def test_code_has_its_background_and_language() -> None:
    leaf = Document.from_text("```Python title\nx\n```").leaves[0]
    assert isinstance(leaf, CodeLeaf)
    assert (leaf.language, leaf.source) == ("python", "x")
    label, code = rows_of(leaf, 31)
    assert (label.line, label.background) == (-1, "on $panel")
    assert label.content.plain == " Python title · 1 line  c copy"
    assert (code.line, code.background) == (0, "on $surface")


def test_the_header_of_code_that_grows_counts_its_lines() -> None:
    document = streamed(["```\na\n"])
    (leaf,) = document.leaves
    assert next(rows(document, 30)).content.plain == " 1 line                c copy"
    first = rows_of(leaf, 30)[1]
    for line in "bcdefghij":
        document.feed(f"{line}\n")
        document.flush()
    header, same, *others = rows_of(leaf, 30)
    assert header.content.plain == " 10 lines              c copy"
    assert same is first
    assert [row.content.plain for row in others] == [f" {line}" for line in "bcdefghij"]


def test_indented_code_begins_below_a_header_not_a_blank_row() -> None:
    (leaf,) = Document.from_text("    a = 1\n    b = 2\n").leaves
    assert [row.content.plain for row in rows_of(leaf, 30)] == [
        " 2 lines               c copy",
        " a = 1",
        " b = 2",
    ]


def test_an_open_fence_is_cut_into_lines_and_not_parsed() -> None:
    document = streamed(["> q\n\n  ```py\n", "  a = 1\n", "   b", " = 2\n", "``", "`"])
    leaf = document.leaves[1]
    assert isinstance(leaf, CodeLeaf)
    assert leaf.source == "a = 1\n b = 2"
    document.feed("\nafter")
    document.flush()
    assert document.leaves[1] is leaf
    assert isinstance(document.leaves[2], TextLeaf)


def test_nothing_is_lost_where_nesting_has_no_end() -> None:
    text = numbered_words("> " * 150 + "§\n\n§")
    assert words_in(words_shown(Document.from_text(text), 80)) == words_in(text)
    assert_sound(streamed(chunks(text, 9)), 30)


def test_halves_of_line_ends_and_characters_wait_for_each_other() -> None:
    document = streamed(["a\r", "\nb \ud83d", "\ude00", "\r", "\rc"])
    assert [row.content.plain for row in rows(document, 30)] == ["a b 😀", "", "c"]
    assert document.finish() == 2


def test_words_that_turn_out_shorter_are_laid_out_again() -> None:
    document = streamed(["aaaa bbbb **c dddddddddd"], drawn_at=11)
    document.feed("**\n")
    document.flush()
    drawn = [row.content.plain for row in rows(document, 11)]
    assert drawn == ["aaaa bbbb c", "dddddddddd"]


def test_a_row_keeps_its_styles_where_they_lie() -> None:
    leaf = Document.from_text("- one *two three* four").leaves[0]
    italics = [
        [row.content.plain[a:b] for a, b, style in row.content.spans if style == "italic"]
        for row in rows_of(leaf, 12)
    ]
    assert italics == [["two"], ["three"]]


def test_html_in_a_list_in_a_quote_may_end_in_the_middle_of_a_line() -> None:
    text = "> - <pre>\n>   a\n> "
    drawn = [row.content.plain.rstrip() for row in rows(streamed(chunks(text, 1)), 30)]
    assert drawn == ["▌ • <pre>", "▌   a"]


def test_in_a_narrow_width_numbers_and_bars_are_dropped_before_text() -> None:
    document = Document.from_text("> 123. > word and word")
    assert [row.content.plain for row in rows(document, 30)] == ["▌ 123. ▌ word and word"]
    assert [row.content.plain for row in rows(document, 15)] == [
        "▌ 123. word and",
        "▌ " + " " * 5 + "word",
    ]
    assert [row.content.plain for row in rows(document, 12)] == ["▌ word and", "▌ word"]
    assert [row.content.plain for row in rows(document, 8)] == ["word and", "word"]


def test_an_empty_document_has_no_leaves() -> None:
    document = Document()
    assert (document.flush(), document.finish(), list(document.leaves)) == (0, 0, [])
    assert document.source == ""
