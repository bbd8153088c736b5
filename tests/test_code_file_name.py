"""The path that is suggested for a code block, from the text of the reply."""

from __future__ import annotations

from pathlib import PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.text.code_file_name import suggested_name

CASES = [
    # Only the language is known.
    ("python", "x = 1", "", "reply.py"),
    ("", "x", "", "reply.txt"),
    ("TypeScript", "", "", "reply.ts"),
    ("c++", "", "", "reply.cpp"),
    ("dockerfile", "FROM x", "", "Dockerfile"),
    ("klingon", "", "", "reply.txt"),
    # A name in the info string.
    ('python title="x.py"', "", "", "x.py"),
    ("python filename=src/x.py", "", "", "src/x.py"),
    ("python:src/app.py", "", "", "src/app.py"),
    ("src/app.py", "", "", "src/app.py"),
    # A name in the first line of the code.
    ("python", "# app.py\nx = 1", "", "app.py"),
    ("js", "// src/x.js\n", "", "src/x.js"),
    ("css", "/* style.css */\n", "", "style.css"),
    ("html", "<!-- index.html -->", "", "index.html"),
    ("sql", "-- schema.sql", "", "schema.sql"),
    ("python", "# File: app.py", "", "app.py"),
    ("bash", "#!/bin/sh", "", "reply.sh"),
    ("python", "# This sorts.", "", "reply.py"),
    # A name in the text before the block.
    ("python", "", "src/app.py", "src/app.py"),
    ("python", "", "Put this into tests/test_app.py:", "tests/test_app.py"),
    ("python", "", "Unlike old.py, this is new.py:", "new.py"),
    ("python", "", "See old.py.\nThe new one:", "reply.py"),
    ("", "", "The Makefile.", "reply.txt"),
    ("", "", "Docs at https://example.com/x.py", "reply.txt"),
    ("python", "", "for example, e.g. this:", "reply.py"),
    # The info string beats the first line, which beats the text before.
    ('py title="a.py"', "# b.py", "c.py", "a.py"),
    ("py", "# b.py", "c.py", "b.py"),
    # Paths that lead out of the folder.
    ("py", "# ../../x.py", "", "reply.py"),
    ("py", "# /etc/cron.d/x.py", "", "x.py"),
    ("py", "# ~/x.py", "", "x.py"),
    ("py", "# a\\b.py", "", "a/b.py"),
    ("py", "# C:\\x.py", "", "x.py"),
    ("py", "# -rf.py", "", "reply.py"),
    ("py", "# a\x1b[2Jb.py", "", "reply.py"),
    ("py", "# evil\u202eyp.py", "", "reply.py"),
    ("py", f"# {'a' * 300}.py", "", "reply.py"),
]


@pytest.mark.parametrize(("info", "code", "before", "name"), CASES)
def test_a_name_is_taken_from_what_the_reply_says(
    info: str, code: str, before: str, name: str
) -> None:
    assert suggested_name(info, code, before) == name


parts = st.sampled_from(
    [*("..", ".", "/", "\\", "~", ":", "#", "//", " ", "\n", "\0", "\x1b", "\u202e", "\u200b"),
     *("app", "src", ".py", ".env", "con", "title=", '"', "'", "`", "C:", "-", "é", "日本")]
)  # fmt: skip
texts = st.one_of(st.text(), st.lists(parts, max_size=12).map("".join))


@given(texts, texts, texts)
def test_a_suggestion_leads_nowhere_but_down(info: str, code: str, before: str) -> None:
    name = suggested_name(info, code, before)
    assert name.isprintable()
    assert name == name.strip()
    assert len(name) <= 120
    assert not name.startswith(("/", "~", "-"))
    assert not PureWindowsPath(name).drive
    assert not {"", ".", ".."} & set(name.split("/"))
    assert not set(name) & set("\\:\"'`*?<>|\n")
    assert PurePosixPath("x", name).is_relative_to("x")
