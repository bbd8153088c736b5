"""Lists of models that are long, malformed or slow: bounded, and nothing waits for them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.faults.test_hostile_values import HOSTILE
from tests.screens.conftest import Open
from tests.scripted import SONNET, Hold, Json, Raw, Reply, Scripted, Seen
from tests.turns import converse
from tui.chat import known_models
from tui.claude import Claude, model_list
from tui.claude.stall import StallTimeout
from tui.domain.failure import ReplyFailed
from tui.domain.model import Model
from tui.store import Store


def page(*entries: object, **fields: object) -> Reply:
    whole = {"data": list(entries), "has_more": False, **fields}
    headers = {"content-type": "application/json"}
    return Reply([Raw(json.dumps(whole).encode())], headers=headers, is_stream=False)


def named(number: int) -> Json:
    return SONNET | {"id": f"model-{number}", "display_name": "x" * 200}


def pages_asked(server: Scripted) -> list[Seen]:
    return [seen for seen in server.seen if seen.path.startswith("/v1/models")]


async def test_a_list_without_end_is_left_after_some_pages(
    server: Scripted, claude: Claude
) -> None:
    server.models_reply = page(*map(named, range(20)), has_more=True, last_id="model-19")
    models = await claude.models()
    assert models == [Model(named(number)) for number in range(20)] * model_list.PAGES
    asked = pages_asked(server)
    assert len(asked) == model_list.PAGES
    assert all("after_id=model-19" in seen.path for seen in asked[1:])


async def test_a_page_without_an_entry_is_the_last(server: Scripted, claude: Claude) -> None:
    server.models_reply = page(has_more=True, last_id="x")
    assert await claude.models() == []
    assert len(pages_asked(server)) == 1


async def test_only_the_first_of_ten_thousand_models_are_kept(
    server: Scripted, claude: Claude, store: Store
) -> None:
    server.models = [named(number) for number in range(10_000)]
    await known_models.refresh_models(store, claude)
    known = await store.models(claude.endpoint.host)
    assert known is not None
    assert [model.id for model in known[1]] == [f"model-{n}" for n in range(model_list.MODELS)]


async def test_a_list_with_too_many_bytes_is_reported_and_not_read(
    server: Scripted, claude: Claude, store: Store
) -> None:
    server.models_reply = page("x" * (model_list.BYTES + 1))
    with pytest.raises(ReplyFailed, match="8 MiB"):
        await claude.models()
    assert (await converse(store, claude)).state == "complete"


async def test_a_list_that_takes_too_long_is_left_with_what_has_come(
    server: Scripted, claude: Claude
) -> None:
    client = await claude.ready()
    server.models_reply = Reply([Hold()], is_stream=False)
    with pytest.raises(StallTimeout, match="too long"):
        await model_list.models_of(client, claude.endpoint, seconds=0.3)


@pytest.mark.parametrize("name", HOSTILE)
async def test_entries_of_any_shape_are_kept_or_left_out(
    server: Scripted, claude: Claude, store: Store, name: str
) -> None:
    value = HOSTILE[name]
    odd = SONNET | {"max_tokens": value, "capabilities": value, "created_at": value}
    server.models_reply = page(value, SONNET | {"id": value}, odd, last_id=value, more=value)
    reply = await converse(store, claude)
    assert (reply.state, reply.text) == ("complete", "Hello there")
    known = await store.models(claude.endpoint.host)
    assert known is not None
    assert SONNET["id"] in [model.id for model in known[1]]


@pytest.mark.parametrize(
    "body", [b"[]", b"{}", b"null", b"<html>", b"{", b"\xff", b'{"data": 5}']
)
async def test_an_invalid_list_of_models_stops_no_reply(
    server: Scripted, claude: Claude, store: Store, body: bytes
) -> None:
    server.models_reply = Reply([Raw(body)], is_stream=False)
    assert (await converse(store, claude)).state == "complete"


async def test_no_backup_waits_for_the_models(
    opened: Open, server: Scripted, history: Path
) -> None:
    hold = Hold()
    server.models_reply = Reply([hold], is_stream=False)
    async with opened() as journey:
        await journey.until(hold.reached.is_set)
        await journey.until(lambda: list((history.parent / "backups").glob("*")))
        hold.release()
