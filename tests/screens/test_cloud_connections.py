"""Profiles of clouds are listed, tested, used and removed in the app."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.screens.test_connections import App, Panel, app, config
from tests.scripted import Scripted, refuses, says
from tui.claude import Claude
from tui.domain.cloud import Cloud
from tui.domain.endpoint import Endpoint

__all__ = ["app", "config"]

MISSING = "Bedrock needs the package boto3. Run: pip install 'streamchat-tui[bedrock]'"

without_aws = pytest.mark.skipif(find_spec("boto3") is not None, reason="boto3 is installed")


async def test_a_profile_of_a_cloud_is_a_connection_like_any_other(
    app: App,
    claude: Claude,
    config: Path,
    server: Scripted,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ANTHROPIC_FOUNDRY_API_KEY", "canary-key")
    config.write_text(
        '[profiles.aws]\nkind = "bedrock"\n'
        f'[profiles.ms]\nkind = "foundry"\nbase_url = "{server.url}"\nmodel = "mine"\n',
        "utf-8",
    )
    async with app(claude) as journey:
        panel = Panel(journey)
        await panel.open()
        assert panel.rows[1].startswith("aws bedrock")
        assert panel.rows[2].startswith("ms Foundry 127.0.0.1")
        assert not any("key missing" in row for row in panel.rows[1:3])
        server.will(refuses(404, "not_found_error", "There is no deployment mine."))
        await panel.press("j", "t")
        await panel.until_reported("[profiles.aws] needs region, or the variable AWS_REGION")
        await panel.press("j", "t")
        await panel.until_reported("Not found: There is no deployment mine.")
        server.will(refuses(400, "invalid_request_error", "messages: at least one"))
        await panel.press("t")
        await panel.until_reported("ms answers: it has no list of models")
        await panel.press("d")
        await panel.until_reported("starts with ms")
        await panel.press("enter")
        await panel.until_reported("The next question goes to 127.0.0.1")
        await panel.press("k", "x")
        await journey.until(lambda: "Remove aws" in journey.seen)
        await panel.press("y")
        await panel.until_reported("aws was removed")
        await panel.press("escape")
        server.will(says("From the cloud"))
        await journey.ask("Hi")
        await journey.until_done()
        assert journey.replies == ["From the cloud"]
        assert [seen.json["model"] for seen in server.asked] == ["mine"] * 3
    assert 'kind = "bedrock"' not in config.read_text("utf-8")


@without_aws
async def test_a_missing_package_is_the_result_of_a_test_and_the_failure_of_a_reply(
    app: App, config: Path, server: Scripted
) -> None:
    address = f'base_url = "{server.url}"\n'
    config.write_text(
        f'[profiles.aws]\nkind = "bedrock"\nregion = "us-east-1"\n{address}', "utf-8"
    )
    cloud = Cloud("bedrock", "us-east-1")
    async with app(Claude(Endpoint(server.url, cloud=cloud))) as journey:
        panel = Panel(journey)
        await panel.open()
        await panel.press("j", "t")
        await panel.until_reported(MISSING)
        await panel.press("escape")
        await journey.ask("Hi")
        await journey.until_done()
        (failure,) = [each.failure for each in await journey.line() if each.failure]
        assert failure.message == MISSING
        assert "Bedrock needs the package boto3" in " ".join(journey.seen.split())
    assert server.seen == []
