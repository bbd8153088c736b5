"""Profiles of clouds in `config.toml`, on the command line and without their packages."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.aws import framed
from tests.scripted import Scripted, refuses, says
from tests.test_claude import ask, failure_of
from tests.test_cli import CANARY, Program, failed, program
from tests.test_doctor import broken, findings
from tests.test_loading import chosen, complaint, config, endpoint, folder, write_env
from tui.claude import Claude
from tui.config.config import BadSetting
from tui.config.loading import Flags
from tui.config.profiles import NewProfile, Profiles
from tui.domain.cloud import Cloud
from tui.domain.endpoint import Endpoint

__all__ = ["config", "folder", "program"]

US = 'kind = "bedrock"\nregion = "us-east-1"\n'
VERTEX = 'kind = "vertex"\nregion = "global"\nproject = "p"\n'
CLOUD = Flags(profile="cloud")
FOUNDRY = {"ANTHROPIC_FOUNDRY_API_KEY": CANARY}

without_aws = pytest.mark.skipif(find_spec("boto3") is not None, reason="boto3 is installed")
without_google = pytest.mark.skipif(find_spec("google") is not None, reason="it is installed")


def profile(config: Path, lines: str) -> None:
    config.write_text(f"[profiles.cloud]\n{lines}", encoding="utf-8")


@pytest.mark.parametrize(
    ("lines", "environ", "address", "cloud"),
    [
        (
            US,
            {},
            "https://bedrock-runtime.us-east-1.amazonaws.com",
            Cloud("bedrock", "us-east-1"),
        ),
        (
            'kind = "bedrock"\naws_profile = "work"\n',
            {"AWS_DEFAULT_REGION": "eu-west-1"},
            "https://bedrock-runtime.eu-west-1.amazonaws.com",
            Cloud("bedrock", "eu-west-1", aws_profile="work"),
        ),
        (
            'kind = "bedrock"\n',
            {"AWS_REGION": "eu-west-1", "ANTHROPIC_BEDROCK_BASE_URL": "https://g.example"},
            "https://g.example",
            Cloud("bedrock", "eu-west-1"),
        ),
        # What the file says about the place holds.
        (
            US,
            {"AWS_REGION": "eu-west-1", "ANTHROPIC_BEDROCK_BASE_URL": "https://g.example"},
            "https://bedrock-runtime.us-east-1.amazonaws.com",
            Cloud("bedrock", "us-east-1"),
        ),
        (
            VERTEX,
            {},
            "https://aiplatform.googleapis.com/v1",
            Cloud("vertex", "global", "p"),
        ),
        (
            'kind = "vertex"\n',
            {"CLOUD_ML_REGION": "eu", "ANTHROPIC_VERTEX_PROJECT_ID": "q"},
            "https://aiplatform.eu.rep.googleapis.com/v1",
            Cloud("vertex", "eu", "q"),
        ),
        (
            f'{VERTEX}base_url = "https://g.example/v1/"\n',
            {},
            "https://g.example/v1",
            Cloud("vertex", "global", "p"),
        ),
        (
            'kind = "foundry"\nresource = "mine"\n',
            FOUNDRY | {"ANTHROPIC_FOUNDRY_BASE_URL": "https://g.example"},
            "https://mine.services.ai.azure.com/anthropic",
            Cloud("foundry"),
        ),
        (
            'kind = "foundry"\napi_key_env = "MINE"\n',
            {"MINE": CANARY, "ANTHROPIC_FOUNDRY_RESOURCE": "theirs"},
            "https://theirs.services.ai.azure.com/anthropic",
            Cloud("foundry"),
        ),
    ],
)
def test_a_profile_of_a_cloud_has_its_address(
    config: Path, lines: str, environ: dict[str, str], address: str, cloud: Cloud
) -> None:
    profile(config, lines)
    found = endpoint(CLOUD, **environ)
    assert (found.root, found.cloud) == (address, cloud)
    assert found.api_key == (CANARY if cloud.kind == "foundry" else None)


@pytest.mark.parametrize(
    ("lines", "environ", "said"),
    [
        (
            'kind = "azure"\n',
            {},
            "line 2, [profiles.cloud]: kind must be bedrock, vertex or foundry.",
        ),
        (
            'kind = "bedrock"\n',
            {},
            "[profiles.cloud] needs region, or the variable AWS_REGION.",
        ),
        (f"{US}region = 1\n", {}, "Cannot overwrite a value"),
        ('kind = "bedrock"\nregion = "us.evil.example/"\n', {}, "cannot be the region."),
        (
            f'{US}project = "p"\n',
            {},
            "project has no meaning here; the kind bedrock takes region",
        ),
        (
            'kind = "vertex"\nregion = "global"\n',
            {},
            "needs project, or the variable ANTHROPIC_VERTEX_PROJECT_ID.",
        ),
        ('kind = "vertex"\nregion = ""\n', {}, "region must not be empty."),
        (
            'kind = "vertex"\nregion = "global"\nproject = "a/b"\n',
            {},
            "'a/b' cannot be the project.",
        ),
        (f"{VERTEX}keyring = true\n", {}, "keyring has no meaning here; the kind vertex takes"),
        (
            'kind = "foundry"\n',
            FOUNDRY,
            "needs resource or base_url, or the variable ANTHROPIC_FOUNDRY_RESOURCE.",
        ),
        (
            'kind = "foundry"\nresource = "a"\nbase_url = "https://g.example"\n',
            FOUNDRY,
            "set resource or base_url, not both.",
        ),
        (
            'kind = "foundry"\nresource = "a"\n',
            {},
            "needs a key: set the variable ANTHROPIC_FOUNDRY_API_KEY.",
        ),
        ('region = "global"\n', {}, 'region has no meaning here; it needs kind = "bedrock" or'),
        (f'{US}base_url = "http://g.example"\n', {}, "is not encrypted"),
    ],
)
def test_a_profile_of_a_cloud_that_cannot_be_used_is_one_line(
    config: Path, lines: str, environ: dict[str, str], said: str
) -> None:
    profile(config, lines)
    assert said in complaint(CLOUD, **environ)
    if "must" not in said and "overwrite" not in said:
        # It does not keep the program from another profile, and can be removed.
        profiles = Profiles(environ=environ)
        listed = {each.name: each for each in profiles.listed()}
        assert said.removesuffix(".") in listed["cloud"].problem
        assert not listed["cloud"].is_usable
        assert chosen(ANTHROPIC_API_KEY="sk").endpoint == Endpoint(api_key="sk")
        profiles.remove("cloud")
        assert "cloud" not in config.read_text("utf-8")


def test_a_key_of_a_cloud_goes_only_where_it_is_meant_to(config: Path, folder: Path) -> None:
    write_env(
        folder / ".env", f"ANTHROPIC_FOUNDRY_API_KEY={CANARY}", "AWS_BEARER_TOKEN_BEDROCK=b"
    )
    profile(config, 'kind = "foundry"\nresource = "mine"\n')
    found = chosen(CLOUD)
    assert found.endpoint is not None
    assert (found.endpoint.api_key, found.key_from) == (CANARY, ".env")
    assert CANARY not in repr(found)
    # A key from a file does not go to an address from the environment.
    profile(config, 'kind = "foundry"\n')
    assert "needs a key" in complaint(CLOUD, ANTHROPIC_FOUNDRY_RESOURCE="theirs")
    profile(config, US)
    assert endpoint(CLOUD, AWS_BEARER_TOKEN_BEDROCK="c").api_key == "c"
    assert endpoint(CLOUD).api_key == "b"
    # A profile of AWS that the file names is the credential.
    profile(config, f'{US}aws_profile = "work"\n')
    named = endpoint(CLOUD, AWS_BEARER_TOKEN_BEDROCK="c")
    assert (named.api_key, chosen(CLOUD).key_from) == (None, "AWS credentials")


def test_a_cloud_behind_a_gateway_is_listed_with_its_host() -> None:
    cloud = Cloud("bedrock", "us-east-1")
    assert Endpoint("https://g.example", cloud=cloud).label == "Bedrock g.example"


def test_the_account_decides_who_gets_thinking_back() -> None:
    def identity(cloud: Cloud) -> str:
        return Endpoint("https://aiplatform.googleapis.com/v1", cloud=cloud).identity

    one, other = Cloud("vertex", "global", "one"), Cloud("vertex", "global", "other")
    assert identity(one) == identity(one) != identity(other)


def test_profiles_of_clouds_are_listed_made_default_and_removed(
    config: Path, folder: Path
) -> None:
    env = write_env(folder / ".env", f"ANTHROPIC_API_KEY={CANARY}", "MINE=two")
    config.write_text(
        f"[profiles.aws]\n{US}[profiles.claude]\n{VERTEX}"
        '[profiles.ms]\nkind = "foundry"\nresource = "mine"\napi_key_env = "MINE"\n',
        encoding="utf-8",
    )
    profiles = Profiles(environ={})
    assert [(each.name, each.label, each.key_from) for each in profiles.listed()] == [
        ("claude", "Vertex AI global", "Google credentials"),
        ("aws", "Bedrock us-east-1", "AWS credentials"),
        ("ms", "Foundry mine.services.ai.azure.com", ".env"),
    ]
    with pytest.raises(BadSetting, match="exists already"):
        profiles.add(NewProfile("aws", "", CANARY), ".env")
    with pytest.raises(BadSetting, match="aws is a profile of bedrock"):
        profiles.set_keyring_key("aws", CANARY)
    profiles.make_default("aws")
    assert chosen().profile == "aws"
    for name in ("aws", "ms", "claude"):
        profiles.remove(name)
    # The key of Anthropic's API is not the key of a cloud.
    assert env.read_text("utf-8") == f"ANTHROPIC_API_KEY={CANARY}\n"
    # The form does not turn a profile of a cloud into another one, even without its key.
    profile(config, 'kind = "foundry"\nbase_url = "https://g.example"\n')
    with pytest.raises(BadSetting, match="exists already"):
        profiles.add(NewProfile("cloud", "https://g.example", CANARY), ".env")


# On the command line


@pytest.fixture
def cloudy(program: Program, server: Scripted, tmp_path: Path) -> Program:
    """The program with profiles of clouds at the scripted server."""
    path = tmp_path / "clouds.toml"
    address = f'base_url = "{server.url}"\n'
    path.write_text(
        f"titles = false\n[profiles.aws]\n{US}{address}[profiles.google]\n{VERTEX}{address}"
        f'[profiles.ms]\nkind = "foundry"\n{address}',
        encoding="utf-8",
    )
    program.environ |= {"STREAMCHAT_CONFIG": str(path), **FOUNDRY}
    return program


def test_a_cloud_is_asked_and_examined(cloudy: Program, server: Scripted) -> None:
    server.will(framed(says("From the cloud")))
    done = cloudy.run("ask", "--profile", "aws", "Hi", AWS_BEARER_TOKEN_BEDROCK=CANARY)
    assert (done.code, done.out, done.err) == (0, "From the cloud\n", "")
    done = cloudy.run("models", "--profile", "ms")
    assert (done.code, done.out) == (0, "")
    assert "has no list of models. Name one with --model." in done.err
    server.will(refuses(400, "invalid_request_error", "messages: at least one is required"))
    done = cloudy.run("doctor", "--profile", "ms", "--json")
    found = findings(done)
    assert broken(done) == []
    assert found["endpoint", "kind"]["value"].startswith("foundry: Foundry 127.0.0.1")
    assert found["endpoint", "answers"]["value"] == "without a list of models"
    assert found["key", "source"]["value"] == "the variable ANTHROPIC_FOUNDRY_API_KEY"


def test_a_profile_without_its_region_is_one_line(cloudy: Program, tmp_path: Path) -> None:
    path = tmp_path / "clouds.toml"
    path.write_text('[profiles.aws]\nkind = "bedrock"\n', encoding="utf-8")
    said = "[profiles.aws] needs region, or the variable AWS_REGION."
    assert failed(cloudy.run("ask", "--profile", "aws", "Hi"), 2) == said
    assert said in cloudy.run("doctor", "--profile", "aws").out


# Without the packages

AWS_LINE = "Bedrock needs the package boto3. Run: pip install 'streamchat-tui[bedrock]'"
GOOGLE_LINE = (
    "Vertex AI needs the package google-auth. Run: pip install 'streamchat-tui[vertex]'"
)


@without_aws
def test_a_missing_package_is_one_line_that_says_what_to_install(
    cloudy: Program, server: Scripted
) -> None:
    assert failed(cloudy.run("ask", "--profile", "aws", "Hi")) == AWS_LINE
    assert failed(cloudy.run("models", "--profile", "aws")) == AWS_LINE
    done = cloudy.run("doctor", "--profile", "aws", "--json")
    assert broken(done) == [("endpoint", "package")]
    assert findings(done)["endpoint", "package"]["value"] == AWS_LINE
    assert "pip install 'streamchat-tui[bedrock]'" in (
        cloudy.run("doctor", "--profile", "aws", "--offline").out
    )
    assert (server.seen, cloudy.rows("SELECT id FROM messages")) == ([], [])


@without_google
async def test_a_missing_package_of_google_fails_the_reply(server: Scripted) -> None:
    claude = Claude(Endpoint(server.url, cloud=Cloud("vertex", "global", "p")))
    error = await failure_of(ask(claude))
    assert (str(error), error.is_retryable) == (GOOGLE_LINE, False)
    assert server.seen == []
