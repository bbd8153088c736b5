"""Every setting, declared once. See `tui.config.declaration`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from tui.config.declaration import Setting, declared
from tui.config.toml_lines import Source
from tui.domain import limits
from tui.domain.cloud import CloudKind
from tui.domain.endpoint import Endpoint
from tui.domain.money import Rates
from tui.domain.parameters import (
    MAX_TOKENS,
    MOST_TOKENS,
    Effort,
    Parameters,
    ThinkingDisplay,
)

KEY_NAMES = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN")
"""The variables that hold a key of Anthropic's API."""

PASTE_A_KEY = "Paste one in streamchat-tui (Ctrl+O)"
"""The way to a key that needs no file and no variable, for messages."""

SMALL_MODEL = "claude-haiku-5-5"
"""The model that writes titles on Anthropic's API."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One endpoint, as a table `[profiles.NAME]` of `config.toml` describes it."""

    kind: Annotated[
        CloudKind | None,
        Setting(help="the cloud that serves its models", otherwise="none"),
    ] = None
    base_url: Annotated[
        str | None,
        Setting(
            help="the address of the endpoint; plain http only to this machine",
            otherwise="Anthropic's API, or the cloud's own",
        ),
    ] = None
    region: Annotated[
        str | None,
        Setting(
            help="the region of bedrock or vertex",
            otherwise="AWS_REGION, AWS_DEFAULT_REGION or CLOUD_ML_REGION",
            may_be_empty=False,
        ),
    ] = None
    project: Annotated[
        str | None,
        Setting(
            help="the project of vertex",
            otherwise="ANTHROPIC_VERTEX_PROJECT_ID",
            may_be_empty=False,
        ),
    ] = None
    resource: Annotated[
        str | None,
        Setting(
            help="the resource of foundry, instead of base_url",
            otherwise="ANTHROPIC_FOUNDRY_RESOURCE",
            may_be_empty=False,
        ),
    ] = None
    aws_profile: Annotated[
        str | None,
        Setting(
            help="the profile of AWS's own files, for bedrock",
            otherwise="AWS's own choice",
            may_be_empty=False,
        ),
    ] = None
    api_key_env: Annotated[
        str | None,
        Setting(
            help="the environment variable with its key",
            otherwise="ANTHROPIC_API_KEY for Anthropic's API, ANTHROPIC_FOUNDRY_API_KEY for"
            " foundry, none for others",
        ),
    ] = None
    keyring: Annotated[
        bool, Setting(help="its key is in the system's keyring; the app sets it")
    ] = False
    model: Annotated[
        str,
        Setting(
            help="the model to ask",
            flag="--model",
            metavar="ID",
            variable="STREAMCHAT_MODEL",
            may_be_empty=False,
        ),
    ] = "claude-sonnet-5-5"
    title_model: Annotated[
        str | None,
        Setting(
            help="the model that writes titles",
            otherwise=f"{SMALL_MODEL} on Anthropic's API, none for others",
        ),
    ] = None
    auth: Annotated[
        Literal["bearer", "x-api-key"] | None,
        Setting(
            help="the header that carries the key: bearer (Authorization) or x-api-key",
            otherwise="bearer",
        ),
    ] = None
    version: Annotated[
        str | None,
        Setting(
            help="the anthropic-version header, for a gateway that needs an older one",
            otherwise="the newest one",
            may_be_empty=False,
        ),
    ] = None
    allow_http: Annotated[bool, Setting(help="allow plain http to another machine")] = False
    cache: Annotated[
        bool | None,
        Setting(
            help="cache prompts",
            otherwise="true for models that the endpoint describes",
        ),
    ] = None
    effort: Annotated[
        Effort | None,
        Setting(help="how hard models try, if they support it", otherwise="the API's own"),
    ] = None
    max_tokens: Annotated[
        int,
        Setting(
            help="the longest reply in tokens, with thinking; a model may have a lower limit",
            between=(1, MOST_TOKENS),
        ),
    ] = MAX_TOKENS
    thinking: Annotated[
        ThinkingDisplay, Setting(help="whether models send a summary of their thinking")
    ] = "summarized"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Every setting, and the values that follow from the settings."""

    db: Annotated[
        Path,
        Setting(
            help="the history file",
            otherwise="history.db in the data folder",
            flag="--db",
            metavar="PATH",
            variable="STREAMCHAT_DB",
            is_in_file=False,
        ),
    ]
    config: Annotated[
        Path,
        Setting(
            help="the config.toml to read",
            otherwise="config.toml in the config folder",
            flag="--config",
            metavar="PATH",
            variable="STREAMCHAT_CONFIG",
            is_in_file=False,
        ),
    ]
    env_file: Annotated[
        Path,
        Setting(
            help="a .env to read keys from",
            otherwise=".env in the config folder",
            flag="--env-file",
            metavar="PATH",
            is_in_file=False,
        ),
    ]
    profile: Annotated[
        str,
        Setting(
            help="the profile of config.toml to use",
            flag="--profile",
            metavar="NAME",
            variable="STREAMCHAT_PROFILE",
        ),
    ] = "claude"
    is_demo: Annotated[
        bool,
        Setting(
            help="use the offline demo, even with a key",
            flag="--demo",
            is_in_file=False,
        ),
    ] = False
    theme: Annotated[
        str | None,
        Setting(
            help="auto (like the terminal's background), streamchat-dark, streamchat-light,"
            " or any other theme of Textual; the palette changes it",
            otherwise="auto",
        ),
    ] = None
    frames_per_second: Annotated[
        int,
        Setting(help="how often the screen is drawn while a reply arrives", between=(1, 60)),
    ] = 15
    text_width: Annotated[
        int, Setting(help="the most columns that a conversation fills", between=(40, 1000))
    ] = 100
    silence_limit: Annotated[
        int, Setting(help="seconds without a byte before a reply is cut off", between=(5, 3600))
    ] = limits.SILENCE
    waiting_limit: Annotated[
        int, Setting(help="the same, with signs of life but no text", between=(10, 7200))
    ] = limits.CONTENT
    keep_recordings_mb: Annotated[
        int, Setting(help="megabytes of recorded responses to keep", between=(0, 100_000))
    ] = 200
    parallel_replies: Annotated[
        int, Setting(help="how many replies run at once; others wait", between=(1, 64))
    ] = 8
    titles: Annotated[
        bool, Setting(help="let a small model write titles in the background")
    ] = True

    is_default_db: bool
    """Whether the program chose the path itself, and so may create the folder."""
    log: Path
    model: str
    """The model to ask."""
    is_model_named: bool = False
    """Whether a flag named it: then it also answers in conversations with another model."""
    effort: Effort | None = None
    max_tokens: int = MAX_TOKENS
    thinking: ThinkingDisplay = "summarized"
    title_model: str | None = None
    """The model that writes titles; None to keep the first words of the question."""
    endpoint: Endpoint | None
    """The endpoint that gets the questions; None without a key, token or login."""
    key_from: str = ""
    """Where its key comes from; empty without a key."""
    keyring_problem: str = ""
    """Why the keyring did not give the key, as one line; empty if nothing is wrong."""
    keys: Mapping[str, str] = field(default_factory=dict)
    """The user's own keys by id, as `tui.config.keymap.spelled` returns them."""
    prices: Mapping[str, Rates] = field(default_factory=dict)
    """The user's own prices, by model."""
    key_names: Collection[str] = KEY_NAMES
    """The variables that may hold a key."""
    key_places: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By id: the tables and the name that set the keys in `source`."""
    source: Source | None = None
    """`config.toml`, as it was read."""
    warnings: tuple[str, ...] = ()
    """A line for the user about each unknown name in `config.toml`."""
    unused_env: Path | None = None
    """A `.env` in the current folder that holds a key, which was not read."""

    @property
    def parameters(self) -> Parameters:
        """The parameters of a conversation that chooses none."""
        return Parameters(
            self.model,
            max_tokens=self.max_tokens,
            thinking_display=self.thinking,
            effort=self.effort,
        )

    @property
    def prompts(self) -> Path:
        """The folder of the prompt templates, beside `config.toml`."""
        return self.config.parent / "prompts"

    @property
    def limits(self) -> limits.Limits:
        """How long an endpoint may be silent."""
        return limits.Limits(silence=self.silence_limit, content=self.waiting_limit)


BY_NAME = {each.name: each for each in (*declared(Settings), *declared(Profile))}
"""Every setting by its name."""
