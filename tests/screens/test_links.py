"""Links are followed with the keyboard, and only after the user has seen their target."""

from __future__ import annotations

import pytest

from tests.screens.conftest import Journey, Open
from tests.scripted import Scripted, says

REPLY = """\
Read [the guide](https://a.example/guide) and [run](javascript:alert(1)) nothing.

| what | where |
|---|---|
| [mail](mailto:me@b.example) | https://c.example/x |

Again: [the guide](https://a.example/guide).
"""
TARGETS = ("https://a.example/guide", "mailto:me@b.example", "https://c.example/x")


async def until_seen(journey: Journey, words: str) -> None:
    await journey.until(lambda: words in journey.seen)


async def test_a_key_shows_one_link_after_the_other_and_opens_the_one_shown(
    opened: Open, server: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened_urls: list[str] = []
    # So that there is a browser on every machine.
    monkeypatch.setattr("webbrowser.get", lambda: None)
    server.will(says(REPLY))
    async with opened() as journey:
        monkeypatch.setattr(journey.app, "open_url", opened_urls.append)
        await journey.ask("Hi")
        await journey.go_to_messages()
        for number in (1, 2, 3, 1, 2):
            await journey.press("l")
            await until_seen(journey, f"Open link {number} of 3: {TARGETS[number - 1]} ?")
        assert opened_urls == []
        await journey.press("f8")
        assert opened_urls == [TARGETS[1]]
        assert "Open link" not in journey.seen
        await journey.press("l", "escape")
        assert opened_urls == [TARGETS[1]]
        assert journey.transcript.has_focus


async def test_a_message_without_links_says_so(opened: Open, server: Scripted) -> None:
    server.will(says("See [below](#below)."))
    async with opened() as journey:
        await journey.ask("https://example.com/mine ?")
        await journey.go_to_messages()
        for key in ("end", "k"):
            await journey.press(key, "l")
            await journey.until(lambda: "There is no link in this message." in journey.notices)
            journey.app.clear_notifications()
