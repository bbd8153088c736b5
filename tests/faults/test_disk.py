"""A really full disk in the middle of a reply. This needs root and FAULTS=full."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import wait_until
from tests.scripted import Hold, Reply, Scripted, end, start, text
from tests.turns import MODEL, ask, kept, on_disk
from tui.chat import turn
from tui.chat.finishing import SaveFailed
from tui.claude import Claude
from tui.domain.parameters import Parameters
from tui.store import open_store

pytestmark = pytest.mark.skipif(
    os.environ.get("FAULTS") != "full" or os.geteuid() != 0,
    reason="needs root, and FAULTS=full",
)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if subprocess.run(mount, check=False).returncode:
        pytest.skip("a tmpfs cannot be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


async def test_text_on_the_screen_is_saved_when_there_is_room(
    small_disk: Path, server: Scripted, claude: Claude
) -> None:
    hold, words = Hold(), "word " * 40_000
    server.will(Reply([start(), *text(0, "first ")[:-1], hold, *text(0, words)[1:], *end()]))
    with open_store(small_disk / "history.db") as store:
        question = await ask(store)
        draft = turn.empty_reply(store, question, Parameters(MODEL))
        shown: list[str] = []
        running = asyncio.create_task(
            turn.reply(
                store,
                claude,
                question,
                draft,
                lambda d: shown.append(d.words("text")),
                parameters=Parameters(MODEL),
                tip_id=question.id,
            )
        )
        await wait_until(lambda: shown and shown[-1])
        filler = small_disk / "filler"
        with filler.open("wb", buffering=0) as file:
            while True:
                try:
                    file.write(bytes(4096))
                except OSError:
                    break
        hold.release()
        with pytest.raises(SaveFailed, match="full") as failed:
            await running
        assert draft.ended is not None
        assert draft.ended.text == shown[-1] == "first " + words
        filler.unlink()
        await failed.value.again()
        message = await kept(store, draft.ended)
        assert (message.state, message.text) == ("complete", shown[-1])
    assert on_disk(small_disk / "history.db", "PRAGMA integrity_check")[0][0] == "ok"
