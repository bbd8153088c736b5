"""`doctor`: what this machine, terminal, key, endpoint and history look like.

It changes nothing, and never shows a key, or a part of one.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import shutil
import stat
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal
from urllib.request import getproxies

from tui import __version__, settings, wording
from tui.cli import DONE, FAILED
from tui.cli.output import is_on_terminal, print_json
from tui.config import BadSetting
from tui.conversation import Model, ReplyFailed
from tui.endpoint import Endpoint
from tui.sanitise import clean_line
from tui.settings import KEY_NAMES, Flags, Settings
from tui.store.examination import KNOWN_VERSION, SQLITE_VERSION, Examination, examine

PATIENCE = 8.0
"""How long the endpoint may take, in seconds."""

Level = Literal["ok", "note", "broken"]

_SIGNS: dict[Level, tuple[str, str, str]] = {
    "ok": ("✓", "+", "32"),
    "note": ("!", "!", "33"),
    "broken": ("✗", "x", "31"),
}
"""For each level a sign, the same in ASCII, and the colour of a terminal."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    section: str
    name: str
    value: str
    level: Level = "ok"
    mend: str = ""
    """What to do about it."""


def doctor(options: argparse.Namespace, flags: Flags) -> int:
    """Print what is found, and return the exit code: 1 when something is broken."""
    findings = list(_findings(flags, is_asked=not options.offline, is_demo="demo" in options))
    is_broken = any(finding.level == "broken" for finding in findings)
    if options.json:
        told = {"is_broken": is_broken, "findings": [asdict(finding) for finding in findings]}
        print_json(told)
    else:
        _print(findings)
    return FAILED if is_broken else DONE


def _findings(flags: Flags, *, is_asked: bool, is_demo: bool) -> Iterator[Finding]:
    yield from _program()
    yield from _terminal()
    chosen: Settings | None = None
    try:
        chosen = settings.load(flags)
    except BadSetting as error:
        yield Finding("settings", "read", str(error), "broken", "Correct it, then ask again.")
    yield from _looked_at("settings", lambda: _files(flags))
    for warning in chosen.warnings if chosen is not None else ():
        yield Finding("settings", "not known", warning, "note", "Correct it, or take it out.")
    if chosen is None:
        yield from _variables()
    else:
        yield from _settings(chosen)
        yield from _key(chosen)
        if is_asked and not is_demo:
            yield from _endpoint(chosen)
    yield from _looked_at("history", lambda: _history(examine(settings.db_path(flags))))
    yield from _looked_at("log", lambda: _log(settings.log_path()))


def _looked_at(section: str, look: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """Yield what `look` finds; where the machine does not let it look, that."""
    try:
        yield from look()
    except BadSetting as error:
        yield Finding(section, "path", str(error), "broken", "Correct it, then ask again.")
    except OSError as error:
        said = f"{error.filename or 'it'} cannot be looked at: {error.strerror}"
        yield Finding(section, "path", said, "broken", "Choose a place that can be read.")


def _program() -> Iterator[Finding]:
    yield Finding("program", "streamchat-tui", __version__)
    yield Finding("program", "Python", f"{platform.python_version()} on {platform.system()}")
    yield Finding("program", "SQLite", SQLITE_VERSION)
    for package in ("anthropic", "textual", "sqlite-utils"):
        try:
            yield Finding("program", package, version(package))
        except PackageNotFoundError:
            mend = "Install the program again."
            yield Finding("program", package, "is not installed", "broken", mend)


def _terminal() -> Iterator[Finding]:
    if not (is_on_terminal() and sys.stdin.isatty()):
        yield Finding("terminal", "kind", "none: the app needs one, ask and log do not", "note")
        return
    term, size = os.environ.get("TERM", ""), shutil.get_terminal_size()
    is_dumb = term in ("", "dumb")
    mend = "Set TERM to what your terminal is, such as xterm-256color." if is_dumb else ""
    yield Finding("terminal", "kind", term or "TERM is not set", _bad(is_dumb), mend)
    is_small = size.columns < 40 or size.lines < 12
    mend = "Make the window larger: 80 x 24 is comfortable." if is_small else ""
    yield Finding("terminal", "size", f"{size.columns} x {size.lines}", _noted(is_small), mend)
    is_true = os.environ.get("COLORTERM") in ("truecolor", "24bit")
    yield Finding("terminal", "colours", "16 million" if is_true else "256 or fewer")
    is_utf8 = "utf" in sys.stdout.encoding.lower()
    mend = "" if is_utf8 else "Set LANG to a UTF-8 locale, such as C.UTF-8."
    yield Finding("terminal", "encoding", sys.stdout.encoding, _noted(not is_utf8), mend)
    around = [name for name in ("TMUX", "STY", "SSH_CONNECTION") if os.environ.get(name)]
    if around:
        yield Finding("terminal", "inside", ", ".join(around))
    yield Finding("terminal", "clipboard", "no terminal tells; copying needs OSC 52")


def _files(flags: Flags) -> Iterator[Finding]:
    """Yield where the settings stand, and who else may change them."""
    config, env = settings.config_path(flags), settings.env_path(flags)
    yield Finding("settings", "config.toml", str(config) if config.exists() else "none")
    if config.exists():
        yield from _changeable("config.toml", config)
    for folder in dict.fromkeys((config.parent, env.parent)):
        yield from _changeable("folder", folder)
    if os.path.lexists(env):
        mode = f", mode {stat.S_IMODE(env.lstat().st_mode):03o}" if os.name == "posix" else ""
        yield Finding("settings", ".env", f"{env}{mode}")


def _changeable(name: str, path: Path) -> Iterator[Finding]:
    """Yield that others may write to `path`; they could send a key elsewhere."""
    if os.name != "posix" or not path.exists():
        return
    mode = path.stat().st_mode
    # In a sticky folder, such as /tmp, nobody can touch what is another's.
    if mode & 0o022 and not (stat.S_ISDIR(mode) and mode & stat.S_ISVTX):
        said = f"others can write to {path}"
        yield Finding("settings", f"{name} mode", said, "broken", f"chmod go-w {path}")


def _settings(chosen: Settings) -> Iterator[Finding]:
    yield Finding("settings", "profile", chosen.profile)
    yield Finding("settings", "model", chosen.model)


def _variables() -> Iterator[Finding]:
    """Yield what is known of a key while the settings cannot be read."""
    held = [name for name in KEY_NAMES if os.environ.get(name, "").strip()]
    if held:
        yield Finding("key", "variables", ", ".join(held))


def _key(chosen: Settings) -> Iterator[Finding]:
    endpoint = chosen.endpoint
    if endpoint is None:
        mend = f"Set ANTHROPIC_API_KEY, or put it into {chosen.env}; the demo works without."
        yield Finding("key", "source", "none: the offline demo is used", "note", mend)
    else:
        yield Finding("key", "source", _source(chosen))
    if chosen.unused_env is not None:
        mend = f"To use it: --env-file {chosen.unused_env}"
        yield Finding("key", "not read", str(chosen.unused_env), "note", mend)


def _source(chosen: Settings) -> str:
    endpoint = chosen.endpoint
    if endpoint is None or not (endpoint.api_key or endpoint.auth_token or endpoint.login):
        return "none: this endpoint is asked without"
    if endpoint.login is not None:
        return f"the login {endpoint.login!r} of Anthropic's own tools"
    secret = endpoint.api_key or endpoint.auth_token
    for name in KEY_NAMES:
        if os.environ.get(name, "").strip() == secret:
            return f"the variable {name}"
    if any(value.strip() == secret for value in os.environ.values()):
        return "the variable that the profile names"
    return str(chosen.env)


def _endpoint(chosen: Settings) -> Iterator[Finding]:
    if chosen.endpoint is None:
        return
    # What follows a question mark may be a secret.
    yield Finding("endpoint", "address", chosen.endpoint.base_url.partition("?")[0])
    try:
        models = asyncio.run(_asked(chosen.endpoint))
    except ReplyFailed as error:
        yield from _not_well(error)
    except TimeoutError:
        yield from _proxies()
        said = f"nothing within {PATIENCE:.0f} seconds"
        yield Finding("endpoint", "answers", said, "broken", _CONNECTION)
    else:
        yield from _proxies()
        said = f"with {len(models)} models" if models else "without a list of models"
        yield Finding("endpoint", "answers", said)
        yield _caching(chosen.endpoint, next((m for m in models if m.id == chosen.model), None))


async def _asked(endpoint: Endpoint) -> list[Model]:
    """Return the models of an endpoint that has what a question needs."""
    from tui.claude import Claude

    claude = Claude(endpoint)
    try:
        await claude.ready()
        async with asyncio.timeout(PATIENCE):
            models = await claude.models()
            await claude.check()
            return models
    finally:
        await claude.close()


def _not_well(error: ReplyFailed) -> Iterator[Finding]:
    """Yield why an endpoint could not be asked."""
    match error.failure.type, error.failure.status:
        case "environment", _:
            mend = "Correct the variable, or unset it."
            yield Finding("endpoint", "variables", str(error), "broken", mend)
            return
        case _, 401 | 403:
            mend = "Check the key."
        case _, 404 | 405:
            mend = "Check the address: /v1/messages is put behind it."
        case _:
            mend = _CONNECTION
    yield from _proxies()
    yield Finding("endpoint", "answers", str(error), "broken", mend)


def _proxies() -> Iterator[Finding]:
    proxies = [name for name in os.environ if name.upper() in _PROXIES and os.environ[name]]
    if proxies:
        yield Finding("endpoint", "proxies", f"as told by {', '.join(sorted(proxies))}")
    from tui.claude.network import not_understood

    if wrong := not_understood(getproxies()):
        said = f"{', '.join(wrong)} in NO_PROXY names no host, and counts for nothing"
        yield Finding("endpoint", "no proxy", said, "note", "Correct it, or take it out.")


def _caching(endpoint: Endpoint, model: Model | None) -> Finding:
    if endpoint.cache is not None:
        said = "asked for" if endpoint.cache else "not asked for"
        return Finding("endpoint", "caching", f"{said}, as the profile says")
    if model is not None and model.is_described:
        return Finding("endpoint", "caching", "asked for")
    said = "not asked for: the endpoint does not describe the model"
    mend = "If the model is Claude, set cache = true in its profile."
    return Finding("endpoint", "caching", said, "note", mend)


_PROXIES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY")
_CONNECTION = "Check the address and the connection, or look at the endpoint's status page."


def _history(found: Examination) -> Iterator[Finding]:
    yield Finding("history", "path", str(found.path))
    if not found.exists:
        yield Finding("history", "file", "there is none yet; the first question makes it")
        return
    if found.problem:
        mend = (
            "Choose another with --db."
            if found.is_foreign or not found.path.is_file()
            else "Start the app: it sets the file aside and saves what can be read."
        )
        yield Finding("history", "integrity", found.problem, "broken", mend)
        return
    yield from _shape(found)
    yield from _safety(found)
    yield from _clock(found)


def _shape(found: Examination) -> Iterator[Finding]:
    is_newer = (found.version or 0) > KNOWN_VERSION
    said = f"version {found.version}, {found.size:,} bytes"
    if found.journal_mode is not None:
        said += f", journal {found.journal_mode}"
    mend = (
        f"Upgrade streamchat-tui: this one knows version {KNOWN_VERSION}." if is_newer else ""
    )
    yield Finding("history", "shape", said, _noted(is_newer), mend)
    if found.messages is not None:
        said = f"{found.conversations:,} conversations, {found.messages:,} messages"
        yield Finding("history", "holds", said)
        yield Finding("history", "integrity", "checked, nothing amiss")
    if found.live or found.dead or found.streaming:
        said = f"{found.live} running programs, {found.streaming} replies being written"
        mend = "Start the app: it keeps what had arrived." if found.dead else ""
        if found.dead:
            said += f", {found.dead} that were killed"
        yield Finding("history", "in use", said, _noted(bool(found.dead)), mend)


def _safety(found: Examination) -> Iterator[Finding]:
    if os.name == "posix":
        is_open = bool(found.mode & 0o077)
        mend = f"chmod 600 {found.path}" if is_open else ""
        said = f"file {found.mode:03o}, folder {found.folder_mode:03o}"
        yield Finding("history", "modes", said, _bad(is_open), mend)
        is_open = bool(found.folder_mode & 0o022 and not found.folder_mode & stat.S_ISVTX)
        if is_open:
            mend = f"chmod go-w {found.path.parent}"
            yield Finding("history", "folder", "others can write to it", "note", mend)
    if found.shared_kind is not None:
        said = f"on a file system that machines share ({found.shared_kind})"
        mend = "Keep it on a disk of this machine, or use it from one machine at a time."
        yield Finding("history", "place", said, "note", mend)
    if found.newest_backup is not None:
        made = round(found.newest_backup.stat().st_mtime * 1000)
        yield Finding("history", "backup", f"of {wording.day_and_time(made)}")
    elif found.messages:
        yield Finding("history", "backup", "none yet; the app makes one a day", "note")
    if found.set_aside:
        said = f"{found.set_aside[-1]}: a damaged history that was set aside"
        mend = "Copy it elsewhere if you need it: the next deletion in the app removes it."
        yield Finding("history", "damaged file", said, "note", mend)


def _clock(found: Examination) -> Iterator[Finding]:
    now_ms = time.time_ns() // 1_000_000
    for what, ms in (("message", found.newest_ms), ("write to the file", found.written_ms)):
        if ms is not None and ms - now_ms > 60_000:
            said = f"the newest {what} is {wording.seconds(ms - now_ms)} ahead of it"
            yield Finding("clock", "time", said, "note", "Set the clock of this machine.")
            return
    yield Finding("clock", "time", time.strftime("%Y-%m-%d %H:%M:%S %z"))


def _log(path: Path) -> Iterator[Finding]:
    nearest = next(each for each in (path, *path.parents) if each.exists())
    if path.is_dir() or not os.access(nearest, os.W_OK) or path.parent.is_file():
        said, mend = (
            f"{path} cannot be written",
            f"Make a folder of {path.parent} that is yours.",
        )
        yield Finding("log", "file", said, "note", mend)
        return
    if not path.exists():
        yield Finding("log", "file", f"{path}: nothing has gone wrong yet")
        return
    status = path.stat()
    is_open = os.name == "posix" and bool(status.st_mode & 0o077)
    said = f"{path}, {status.st_size:,} bytes"
    yield Finding("log", "file", said, _noted(is_open), f"chmod 600 {path}" if is_open else "")


def _bad(is_bad: bool) -> Level:  # noqa: FBT001 - the question is its name
    return "broken" if is_bad else "ok"


def _noted(is_noted: bool) -> Level:  # noqa: FBT001 - likewise
    return "note" if is_noted else "ok"


def _print(findings: list[Finding]) -> None:
    is_utf8 = "utf" in sys.stdout.encoding.lower()
    is_coloured = is_on_terminal() and not os.environ.get("NO_COLOR")
    section = ""
    for finding in findings:
        if finding.section != section:
            section = finding.section
            print(section)
        sign, plain, colour = _SIGNS[finding.level]
        sign = sign if is_utf8 else plain
        shown = f"\x1b[{colour}m{sign}\x1b[0m" if is_coloured else sign
        print(f"  {shown} {finding.name:<14} {clean_line(finding.value)}")
        if finding.mend:
            print(f"    {'':<14} -> {clean_line(finding.mend)}")
