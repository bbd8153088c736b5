"""CommonMark's own examples, streamed and drawn.

They are not in this repository: `python -m tests.markdown.fetch_spec` fetches them. Without
them this module tests nothing.
"""

from __future__ import annotations

import html
import json
import re
from typing import Any

import pytest

from tests.markdown.documents import assert_sound, chunks, keys, streamed, words_shown
from tests.markdown.fetch_spec import SPEC
from tui.text.markdown import Document

EXAMPLES: list[dict[str, Any]] = (
    json.loads(SPEC.read_text(encoding="utf-8")) if SPEC.exists() else []
)

for_each_example = pytest.mark.parametrize(
    "example", EXAMPLES, ids=[str(example["example"]) for example in EXAMPLES]
)


@for_each_example
def test_an_example_is_drawn_the_same_however_it_came(example: dict[str, Any]) -> None:
    text = example["markdown"]
    for size in (1, 5):
        document = streamed(chunks(text, size))
        assert_sound(document, 12)
        document.finish()
        assert keys(document) == keys(Document.from_text(text))
        assert_sound(document, 40)


@for_each_example
def test_an_example_shows_every_word_of_its_html(example: dict[str, Any]) -> None:
    expected = html.unescape(re.sub("<[^>]*>", " ", example["html"]))
    shown = words_shown(Document.from_text(example["markdown"]), 200)
    left = shown
    for word in re.findall(r"\w+", expected):
        assert word in left, (word, shown)
        left = left.replace(word, " ", 1)
