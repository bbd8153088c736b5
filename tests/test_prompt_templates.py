"""Prompt templates: their files, their placeholders, and the messages about bad ones."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.scripted import Scripted
from tests.test_cli import Program, failed, online, program
from tui.config.prompt_files import (
    BadTemplate,
    name_for,
    parse_template,
    read_templates,
    save_template,
    template_file,
)
from tui.config.prompt_import import files_to_import, import_template
from tui.domain.model import EFFORTS
from tui.domain.prompt_template import (
    Argument,
    CannotFill,
    PromptTemplate,
    template_text,
)
from tui.domain.wire import Json

__all__ = ["online", "program"]

REVIEW = """\
---
title: Review code
description: Looks for bugs first
model: claude-opus-5-5
effort: high
system: You are a strict reviewer.
arguments:
  language: Python
  focus:
allowed-tools: Bash
---

Review this {{language}} code, mind {{ focus }}:

{{input}}
"""

TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=30)
LINES = st.lists(TEXT | st.sampled_from(["{{x}}", "\\{{x}}", "---", "{{ a-b }}"]), max_size=6)
BODIES = LINES.map("\n".join).filter(lambda body: bool(body.strip()))
VALUES = TEXT.filter(bool)


def test_front_matter_says_how_a_prompt_is_asked() -> None:
    assert parse_template(Path("review.md"), REVIEW) == PromptTemplate(
        name="review",
        text="Review this {{language}} code, mind {{ focus }}:\n\n{{input}}",
        title="Review code",
        description="Looks for bugs first",
        model="claude-opus-5-5",
        effort="high",
        system="You are a strict reviewer.",
        declared=(Argument("language", "Python"), Argument("focus")),
    )


def test_placeholders_get_values_and_defaults() -> None:
    template = parse_template(Path("review.md"), REVIEW)
    assert [each.name for each in template.arguments] == ["language", "focus", "input"]
    assert template.filled({"focus": "speed", "input": "x = {{language}}"}) == (
        "Review this Python code, mind speed:\n\nx = {{language}}"
    )


def test_missing_and_unknown_arguments_are_reported() -> None:
    template = parse_template(Path("review.md"), REVIEW)
    with pytest.raises(CannotFill, match=r"^review needs: focus, input\.$"):
        template.filled({})
    with pytest.raises(CannotFill, match=r"has no argument 'speed'\. It takes: language,"):
        template.filled({"speed": "x"})
    with pytest.raises(CannotFill, match=r"It takes: none\.$"):
        PromptTemplate("bare", "Hi").filled({"x": ""})


@given(BODIES)
def test_any_text_can_be_a_template(text: str) -> None:
    template = PromptTemplate("saved", template_text(text))
    assert template.arguments == ()
    assert template.filled({}) == text


@given(TEXT | st.just("C:\\"), TEXT, TEXT)
def test_the_text_around_a_placeholder_stays(before: str, value: str, after: str) -> None:
    text = template_text(before, Argument("x"), after)
    assert PromptTemplate("t", text).filled({"x": value}) == before + value + after


@given(
    st.builds(
        PromptTemplate,
        name=st.just("saved"),
        text=BODIES.map(lambda body: body.strip("\n")).filter(lambda body: bool(body.strip())),
        title=TEXT,
        description=TEXT,
        model=st.none() | VALUES,
        effort=st.none() | st.sampled_from(EFFORTS),
        system=st.none() | VALUES,
        declared=st.lists(
            st.builds(Argument, st.from_regex(r"\A[a-z_][a-z0-9_-]{0,8}\Z"), st.none() | TEXT),
            max_size=3,
            unique_by=lambda argument: argument.name,
        ).map(tuple),
    )
)
def test_a_template_is_parsed_as_it_was_written(template: PromptTemplate) -> None:
    again = parse_template(Path("saved.md"), template_file(template))
    if not any((template.title, template.description, template.model, template.effort,
                template.system, template.declared)):  # fmt: skip
        assert again.title == "saved"
    else:
        assert again == template


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("---\ntitle: x\n", "line 1: the front matter has no end; close it with ---."),
        ("---\ntitle: [x\n---\nHi", "line 3: expected ',' or ']', but got '<stream end>'."),
        ("---\n- a\n---\nHi", "line 2: this must be lines of `name: value`."),
        ("---\ntitle: {a: b}\n---\nHi", "line 2: title must be text."),
        (
            "---\ntitle: x\neffort: huge\n---\nHi",
            "line 3: effort must be one of: low, medium, high, xhigh, max.",
        ),
        ("---\narguments: 3\n---\nHi", "line 2: arguments must be lines of `name: default`."),
        ("---\narguments: {a: [1]}\n---\nHi", "line 2: the default of a must be text."),
        ("---\ntitle: x\n---\n \n", "has no prompt below its front matter."),
        ("", "has no prompt below its front matter."),
    ],
)
def test_a_broken_file_is_reported_with_its_line_and_the_others_work(
    tmp_path: Path, text: str, said: str
) -> None:
    (tmp_path / "broken.md").write_text(text)
    (tmp_path / "good.md").write_text("Say hello.")
    found = read_templates(tmp_path)
    assert list(found.by_name) == ["good"]
    (problem,) = found.problems
    assert problem.startswith(str(tmp_path / "broken.md"))
    assert problem.endswith(said)
    assert "\n" not in problem


def test_a_file_with_only_a_system_prompt_asks_with_the_text_that_is_given() -> None:
    template = parse_template(Path("brief.md"), "---\nsystem: Be brief.\n---\n")
    assert template.system == "Be brief."
    assert template.filled({"input": "Why?"}) == "Why?"
    assert parse_template(Path("brief.md"), template_file(template)) == template


def test_a_path_that_is_not_a_text_file_is_reported_and_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "binary.md").write_bytes(b"\xff\xfe\0")
    (tmp_path / "folder.md").mkdir()
    os.mkfifo(tmp_path / "pipe.md")
    (tmp_path / "large.md").write_text("x" * 300_000)
    (tmp_path / "gone.md").symlink_to("nowhere")
    (tmp_path / "notes.txt").write_text("no template")
    found = read_templates(tmp_path)
    assert not found.by_name
    said = [problem.removeprefix(str(tmp_path)) for problem in found.problems]
    assert said == [
        "/binary.md is not a text file in UTF-8.",
        "/folder.md is not a regular file.",
        "/gone.md cannot be read: No such file or directory.",
        "/large.md is larger than 256 KB.",
        "/pipe.md is not a regular file.",
    ]


def test_without_a_folder_there_are_no_templates(tmp_path: Path) -> None:
    assert not read_templates(tmp_path / "none").by_name
    assert not read_templates(tmp_path / "none").problems


def test_a_template_is_saved_for_its_owner_only_and_never_over_another(tmp_path: Path) -> None:
    folder = tmp_path / "config" / "prompts"
    template = PromptTemplate("mine", "Hi {{you}}", title="Mine")
    path = save_template(folder, template)
    assert (path.stat().st_mode & 0o777, folder.stat().st_mode & 0o777) == (0o600, 0o700)
    assert read_templates(folder).by_name == {"mine": template}
    with pytest.raises(BadTemplate, match="There is a template mine already"):
        save_template(folder, template)
    with pytest.raises(BadTemplate, match="is no name for a template"):
        save_template(folder, PromptTemplate("../mine", "Hi"))


@given(st.text(max_size=100))
def test_every_title_makes_a_name_that_a_file_may_have(title: str) -> None:
    name = name_for(title)
    assert name
    assert not set(name) - set("abcdefghijklmnopqrstuvwxyz0123456789._-")
    assert not name.startswith(("-", "."))


def test_templates_of_llm_are_imported(tmp_path: Path) -> None:
    path = tmp_path / "Steampunk Letter.yaml"
    path.write_text(
        "model: gpt-9\nsystem: Be brief.\n"
        "prompt: 'In $language, {{so}} ${tone}: $input costs $$5 or $9'\n"
        "defaults:\n  language: French\n"
    )
    template = import_template(path)
    assert template == PromptTemplate(
        "steampunk-letter",
        "In {{language}}, \\{{so}} {{tone}}: {{input}} costs $5 or $9",
        title="Steampunk Letter",
        system="Be brief.",
        declared=(Argument("language", "French"),),
    )
    assert template.filled({"tone": "warm", "input": "it"}) == (
        "In French, {{so}} warm: it costs $5 or $9"
    )
    path.write_text("system: Answer in French.")
    assert import_template(path).text == "{{input}}"


def test_commands_of_claude_code_are_imported(tmp_path: Path) -> None:
    path = tmp_path / "git" / "Fix Issue.md"
    path.parent.mkdir()
    path.write_text(
        "---\ndescription: Fix it\nallowed-tools: Bash(git:*)\nmodel: sonnet\n---\n\n"
        "Fix $1 at C:\\$2, mind $ARGUMENTS, not $PATH or $10.\n"
    )
    assert files_to_import(tmp_path) == [path]
    template = import_template(path, root=tmp_path)
    assert template == PromptTemplate(
        "git-fix-issue",
        "Fix {{argument_1}} at C:\\\\{{argument_2}}, mind {{input}}, not $PATH or $10.",
        title="Fix Issue",
        description="Fix it",
    )
    filled = template.filled({"argument_1": "a", "argument_2": "b", "input": "c"})
    assert filled == "Fix a at C:\\b, mind c, not $PATH or $10."


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.yaml", "prompt: [x", "line 1: expected ',' or ']', but got '<stream end>'."),
        ("a.yaml", "prompt: {a: b}", ": prompt must be text."),
        ("a.yaml", "prompt: x\ndefaults: 3", ": defaults must be lines of `name: value`."),
        ("a.md", "---\n---\n", "has no prompt below its front matter."),
    ],
)
def test_a_file_that_cannot_be_imported_is_reported(
    tmp_path: Path, name: str, text: str, said: str
) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(BadTemplate, match=re.escape(said)):
        import_template(tmp_path / name)


def test_templates_are_listed_and_imported_on_the_command_line(
    program: Program, tmp_path: Path
) -> None:
    done = program.run("prompts")
    folder = Path(done.err.rpartition(" in ")[2].strip().removesuffix("."))
    assert (done.code, done.out, folder.name) == (0, "", "prompts")
    (tmp_path / "llm").mkdir()
    (tmp_path / "llm" / "translate.yaml").write_text("prompt: 'Into $language: $input'")
    (tmp_path / "llm" / "broken.yaml").write_text("prompt: [")
    done = program.run("prompts", "import", str(tmp_path / "llm"))
    assert (done.code, done.out) == (0, f"Imported 1 into {folder}.\n")
    assert "broken.yaml, line 1: " in done.err
    listed = program.run("prompts")
    assert (listed.out, listed.err) == ("translate  translate  language input\n", "")
    (row,) = json.loads(program.run("prompts", "--json").out)
    assert row["arguments"] == {"language": None, "input": None}
    again = program.run("prompts", "import", str(tmp_path / "llm" / "translate.yaml"))
    assert again.code == 1
    assert "There is a template translate already" in again.err
    gone = program.run("prompts", "import", str(tmp_path / "nothing"))
    assert failed(gone, code=1).endswith("nothing cannot be read: No such file or directory.")


@pytest.fixture
def review(online: Program) -> Program:
    folder = Path(online.environ["HOME"]) / ".config" / "streamchat" / "prompts"
    folder.mkdir(parents=True)
    (folder / "review.md").write_text(REVIEW)
    (folder / "hello.md").write_text("Say hello.")
    return online


def sent(server: Scripted) -> Json:
    seen: Json = server.asked[-1].json
    return seen


def said(server: Scripted) -> str:
    text: str = sent(server)["messages"][-1]["content"][0]["text"]
    return text


def test_a_question_is_asked_with_a_template(review: Program, server: Scripted) -> None:
    done = review.run("ask", "-t", "review", "-p", "focus=speed", stdin=b"x = 1")
    assert done.code == 0, done.err
    assert said(server) == "Review this Python code, mind speed:\n\nx = 1"
    assert sent(server)["system"] == "You are a strict reviewer."
    assert sent(server)["model"] == "claude-opus-5-5"
    review.run("ask", "-t", "hello", "--model", "own", "to", "me")
    assert (said(server), sent(server)["model"]) == ("Say hello.\n\nto me", "own")
    review.run("ask", "-t", "review", "-p", "focus=a", "-s", "Own.", "--model", "own", "x")
    assert (sent(server)["system"], sent(server)["model"]) == ("Own.", "own")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["-t", "reviw", "x"], "There is no template 'reviw'. Did you mean 'review'?"),
        (["-t", "review", "x"], "review needs: focus."),
        (["-t", "review", "-p", "speed=1", "x"], "review has no argument 'speed'."),
        (["-t", "hello", "-p", "speed", "x"], "'speed' is not NAME=VALUE"),
        (["-p", "speed=1", "x"], "-p needs a template: name it with -t."),
    ],
)
def test_a_template_that_cannot_be_used_is_one_line_and_sends_nothing(
    review: Program, server: Scripted, arguments: list[str], line: str
) -> None:
    assert line in failed(review.run("ask", *arguments), code=2)
    assert not server.asked
