"""The settings of a conversation: its model, its system prompt and other parameters."""

from __future__ import annotations

from typing import Any

import pytest
from textual.widgets import Input, OptionList, Static, TextArea

from tests.screens.conftest import Journey, Open
from tests.scripted import SONNET, Hold, Json, Reply, Scripted, refuses
from tests.strict import OPUS, Piece, Plan, Strict
from tests.turns import MODEL
from tui.chat import parameter_commands
from tui.domain.parameters import Parameters
from tui.store import Store

SIZES = [(120, 40), (80, 24)]
THOUGHT = Plan((Piece("thinking", ("Well.",)), Piece("text", ("Hello",))))
FULL: Json = OPUS | {
    "retires_at": "2027-09-22T00:00:00Z",
    "capabilities": OPUS["capabilities"]
    | {"image_input": {"supported": True}, "pdf_input": {"supported": True}},
}


async def open_settings(journey: Journey) -> None:
    await journey.press("ctrl+o")
    await journey.until(lambda: "Reading the models" not in journey.seen)


def asked(journey: Journey) -> Parameters:
    return journey.app.session.current.conversation.parameters


def is_open(journey: Journey) -> bool:
    return "Ctrl+S Save" in journey.seen


def models(journey: Journey) -> list[str]:
    options = journey.app.screen.query_one(OptionList)
    return [" ".join(str(option.prompt).split()) for option in options.options]


def effort(journey: Journey) -> str:
    """The line of the effort, as it is seen."""
    line = next(line for line in journey.seen.splitlines() if "Effort  " in line)
    return " ".join(line.replace("│", " ").split())


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_a_model_is_found_and_asked_with_an_effort(
    opened: Open, server: Scripted, size: tuple[int, int]
) -> None:
    strict = Strict(server)
    server.models = [SONNET, FULL]
    strict.plans.append(THOUGHT)
    async with opened(size=size) as journey:
        await journey.ask("one")
        await journey.until_done()
        await open_settings(journey)
        assert models(journey) == [
            "● Claude Sonnet 5.5 1M 128K thinking",
            "Claude Opus 5.5 1M 128K thinking images PDF 2027-09-22",
        ]
        assert effort(journey) == "Effort this model takes none"
        assert "tokens; at most 128,000; default 16,000" in journey.seen
        assert "prompt cache" not in journey.seen
        await journey.press(*"ops5")
        assert models(journey)[0].startswith("Claude Opus 5.5")
        await journey.until(lambda: "The prompt cache is lost." in journey.seen)
        assert "retires on 2027-09-22" in journey.seen
        await journey.press("tab", "tab", *["right"] * 3)
        assert "medium  high  xhigh" in journey.seen
        await journey.press("tab", *"2000", "enter")
        await journey.until(lambda: not is_open(journey))
        assert asked(journey) == Parameters(OPUS["id"], max_tokens=2000, effort="high")
        await journey.until(lambda: "Opus 5.5 · high" in journey.seen)
        await journey.ask("two")
        await journey.until_done()
        assert server.asked[-1].json["output_config"] == {"effort": "high"}
        # In the heading of the conversation, and in that of the reply.
        assert journey.seen.count("Claude Opus 5.5 · high") == 2
    assert strict.refusals == []


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_the_cost_of_a_system_prompt_is_shown_before_it_is_saved(
    opened: Open, server: Scripted, size: tuple[int, int]
) -> None:
    strict = Strict(server)
    strict.plans += [THOUGHT, THOUGHT]
    async with opened(size=size) as journey:
        await journey.ask("one")
        await journey.until_done()
        await journey.ask("two")
        await journey.until_done()
        await journey.app.run_action("settings('system')")
        await journey.until(lambda: journey.app.screen.focused is not None)
        await journey.press(*"Be brief.", "enter", *"Be kind.")
        told = "The prompt cache is lost; 2 thinking blocks will not be sent again."
        await journey.until(lambda: told in journey.seen)
        assert asked(journey).system == ""
        await journey.press("ctrl+s")
        await journey.until(lambda: not is_open(journey))
        assert asked(journey).system == "Be brief.\nBe kind."
        await journey.ask("three")
        await journey.until_done()
        assert server.asked[-1].json["system"] == "Be brief.\nBe kind."
    assert strict.refusals == []


async def test_what_is_chosen_before_the_first_question_is_asked_with(
    opened: Open, server: Scripted, store: Store
) -> None:
    strict = Strict(server)
    async with opened() as journey:
        await open_settings(journey)
        await journey.press("down", "ctrl+pagedown", *"Be brief.", "ctrl+s")
        await journey.until(lambda: not is_open(journey))
        assert await store.conversations() == []
        await journey.ask("one")
        await journey.until_done()
        (kept,) = await store.conversations()
        assert kept.parameters == Parameters(OPUS["id"], "Be brief.")
    assert strict.refusals == []


async def test_leaving_changes_nothing_and_warns_of_what_is_not_saved(
    opened: Open, server: Scripted
) -> None:
    Strict(server)
    async with opened() as journey:
        await open_settings(journey)
        await journey.press("escape")
        assert not is_open(journey)
        await open_settings(journey)
        await journey.press("down", "escape")
        assert is_open(journey)
        assert any("not saved" in notice for notice in journey.notices)
        await journey.press("escape")
        assert not is_open(journey)
        assert asked(journey) == Parameters(MODEL)


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("0", "at most 128,000 tokens"),
        ("128001", "of this model is at most 128,000 tokens"),
        ("9" * 30, "of this model is at most 128,000 tokens"),
        ("many", "must be a number"),
    ],
)
async def test_an_impossible_length_is_reported_and_not_saved(
    opened: Open, server: Scripted, typed: str, why: str
) -> None:
    server.models = [SONNET]
    async with opened(size=(120, 40)) as journey:
        await open_settings(journey)
        journey.app.screen.query_one("#max-tokens", Input).focus()
        await journey.press(*typed)
        assert why in journey.seen
        await journey.press("enter")
        assert is_open(journey)
        assert asked(journey) == Parameters(MODEL)


async def test_an_id_is_typed_where_the_endpoint_describes_nothing(
    opened: Open, server: Scripted
) -> None:
    strict = Strict(server)
    server.models = None
    async with opened(size=(120, 40)) as journey:
        await open_settings(journey)
        assert "The endpoint lists no models." in journey.seen
        await journey.press(*"local/model")
        assert models(journey) == ["local/model as it was typed"]
        assert "nothing optional is sent" in journey.seen
        await journey.press("enter")
        await journey.until(lambda: not is_open(journey))
        await journey.ask("one")
        await journey.until_done()
        assert server.asked[-1].json.keys() == {"model", "max_tokens", "messages", "stream"}
    assert strict.refusals == []


async def test_the_panel_is_there_while_the_models_are_asked_for(
    opened: Open, server: Scripted
) -> None:
    hold = Hold()
    server.models_reply = Reply(refuses(500, "api_error").steps, before=[hold], status=500)
    async with opened() as journey:
        await journey.press("ctrl+o")
        assert "Reading the models" in journey.seen
        assert models(journey) == ["● Claude Sonnet 5.5"]
        assert effort(journey) == "Effort default"
        hold.release()
        await journey.until(lambda: "You can type the id of a model." in journey.seen)
        assert effort(journey) == "Effort not sent"


async def test_thousands_of_models_and_names_of_any_kind_do_no_harm(
    opened: Open, server: Scripted
) -> None:
    bad: dict[str, Any] = {
        "id": "x\x1b]0;evil\x07[red]",
        "display_name": "\x1b[2J\n" + "W" * 9000,
    }
    server.models = [bad, *({"id": f"model-{n}", "display_name": "m" * 50} for n in range(990))]
    async with opened(size=(80, 24)) as journey:
        await open_settings(journey)
        assert "more models: type to find them" in journey.seen
        assert "\x1b" not in journey.seen
        await journey.press(*"model-777")
        assert models(journey)[0].startswith("m")
        await journey.press("enter")
        await journey.until(lambda: not is_open(journey))
        assert asked(journey).model == "model-777"


async def test_models_used_before_come_first(opened: Open, server: Scripted) -> None:
    Strict(server)
    server.models = [
        *({**SONNET, "id": f"a-{n}", "display_name": f"A {n}"} for n in range(3)),
        OPUS,
        SONNET,
    ]
    async with opened() as journey:
        await open_settings(journey)
        await journey.press(*"opus", "enter")
        await journey.until(lambda: not is_open(journey))
        await journey.ask("one")
        await journey.until_done()
        await journey.press("ctrl+n")
        await open_settings(journey)
        assert [line.split()[-4] for line in models(journey)][:2] == ["5.5", "5.5"]
        assert "Sonnet" in models(journey)[0]
        assert "Opus" in models(journey)[1]


async def test_a_text_that_nobody_changed_stays_as_it_is(opened: Open, store: Store) -> None:
    strange = "a\r\nb\x1b[31m\tc  \r\n"
    async with opened() as journey:
        await journey.ask("one")
        await journey.until_done()
        (kept,) = await store.conversations()
        await store.labels.set_parameters(kept.id, Parameters(MODEL, strange))
        await journey.app.session.open(kept.id)
        await open_settings(journey)
        await journey.press("ctrl+pagedown")
        assert "\x1b" not in journey.seen
        assert journey.app.screen.query_one(TextArea).text
        await journey.press("escape")
        assert not is_open(journey)
        assert journey.notices == []
        assert asked(journey).system == strange


async def test_the_cost_line_is_empty_where_nothing_is_lost(
    opened: Open, server: Scripted
) -> None:
    Strict(server)
    async with opened() as journey:
        await open_settings(journey)
        await journey.press("down")
        costs = journey.app.screen.query(".cost").results(Static)
        assert [str(cost.content) for cost in costs] == ["", ""]


async def test_what_the_model_does_not_take_is_no_change_of_the_user(
    opened: Open, server: Scripted
) -> None:
    """Such parameters come from another model that was asked before."""
    server.models = [SONNET]
    async with opened() as journey:
        await journey.ask("one")
        await journey.until_done()
        session = journey.app.session
        kept = Parameters(MODEL, max_tokens=500_000, effort="high")
        await parameter_commands.set_parameters(session, session.open_id, kept)
        await open_settings(journey)
        await journey.press("escape")
        await journey.until(lambda: not is_open(journey))
        assert journey.notices == []
        assert asked(journey) == kept


async def test_the_heading_shows_an_effort_only_if_the_model_takes_it(
    opened: Open, server: Scripted
) -> None:
    server.models = [SONNET, FULL]
    async with opened() as journey:
        session = journey.app.session

        def heading() -> str:
            return str(journey.app.screen.query_one("#model", Static).content)

        async def ask_for_high(model: str) -> None:
            chosen = Parameters(model, effort="high")
            await parameter_commands.set_parameters(session, session.open_id, chosen)
            await journey.pilot.pause()

        for _ in range(2):
            await ask_for_high(FULL["id"])
            await journey.until(lambda: heading().startswith("Claude Opus 5.5 · high"))
            await ask_for_high(MODEL)
            assert heading().startswith("Claude Sonnet 5.5")
            assert "high" not in heading()


async def test_what_another_window_has_changed_meanwhile_stays(
    opened: Open, server: Scripted
) -> None:
    server.models = [SONNET]
    async with opened() as journey:
        await journey.ask("one")
        await journey.until_done()
        await open_settings(journey)
        session = journey.app.session
        await parameter_commands.set_parameters(
            session, session.open_id, Parameters(MODEL, system="Be brief.")
        )
        await journey.press(*["tab"] * 3, *"2000", "ctrl+s")
        await journey.until(lambda: not is_open(journey))
        assert asked(journey) == Parameters(MODEL, system="Be brief.", max_tokens=2000)


async def test_quitting_warns_of_what_is_not_saved(opened: Open, server: Scripted) -> None:
    server.models = [SONNET]
    async with opened() as journey:
        await journey.ask("one")
        await journey.until_done()
        await open_settings(journey)
        await journey.press("ctrl+pagedown")
        await journey.until(lambda: isinstance(journey.app.focused, TextArea))
        await journey.press(*"Be brief.")
        await journey.press("ctrl+c")
        await journey.until(lambda: any("not saved" in each for each in journey.notices))
        assert is_open(journey)
        assert not any("again to quit" in each for each in journey.notices)
        await journey.press("ctrl+c")
        await journey.until(lambda: any("again to quit" in each for each in journey.notices))
