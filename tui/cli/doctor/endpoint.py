"""Findings about the endpoint: whether it answers, proxies and caching."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from urllib.request import getproxies

from tui.cli.doctor.finding import Finding
from tui.config.settings import Settings
from tui.domain.endpoint import Endpoint
from tui.domain.failure import ReplyFailed
from tui.domain.model import Model

PATIENCE = 8.0
"""Most seconds to wait for the endpoint."""

_PROXIES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY")
_CONNECTION = "Check the address and the connection, or look at the endpoint's status page."


def cloud(chosen: Settings) -> Iterator[Finding]:
    """Yield which cloud serves the models, and whether its packages are installed."""
    endpoint = chosen.endpoint
    if endpoint is None or endpoint.cloud is None:
        return
    from tui.claude.extras import MissingExtra, check_installed

    yield Finding("endpoint", "kind", f"{endpoint.cloud.kind}: {endpoint.label}")
    try:
        check_installed(endpoint)
    except MissingExtra as error:
        fix = "Install it, then run doctor again."
        yield Finding("endpoint", "package", str(error), "error", fix)


def answers(chosen: Settings) -> Iterator[Finding]:
    """Make requests that cost nothing, and yield what the endpoint answers."""
    if chosen.endpoint is None:
        return
    # The text after a question mark may be a secret.
    yield Finding("endpoint", "address", chosen.endpoint.base_url.partition("?")[0])
    try:
        models = asyncio.run(_asked(chosen.endpoint, chosen.model))
    except ReplyFailed as error:
        yield from _not_well(error)
    except TimeoutError:
        yield from _proxies()
        value = f"no answer within {PATIENCE:.0f} seconds"
        yield Finding("endpoint", "answers", value, "error", _CONNECTION)
    else:
        yield from _proxies()
        count = "1 model" if len(models) == 1 else f"{len(models)} models"
        value = f"with {count}" if models else "without a list of models"
        yield Finding("endpoint", "answers", value)
        yield _caching(chosen.endpoint, next((m for m in models if m.id == chosen.model), None))


async def _asked(endpoint: Endpoint, model: str) -> list[Model]:
    """Return the endpoint's models, after a check that it can take a question."""
    from tui.claude import Claude

    claude = Claude(endpoint)
    try:
        await claude.ready()
        async with asyncio.timeout(PATIENCE):
            models = await claude.models()
            await claude.check(model)
            return models
    finally:
        await claude.close()


def _not_well(error: ReplyFailed) -> Iterator[Finding]:
    """Yield why the endpoint did not answer."""
    match error.failure.type, error.failure.status:
        case "environment", _:
            fix = "Correct the variable, or unset it."
            yield Finding("endpoint", "variables", str(error), "error", fix)
            return
        case "missing_extra", _:
            # `cloud` has reported it.
            return
        case "credentials", _:
            fix = "Renew the credentials, then run doctor again."
        case _, 401 | 403:
            fix = "Check the key."
        case _, 404 | 405:
            fix = "Check the address: the program adds /v1/messages to it."
        case _:
            fix = _CONNECTION
    yield from _proxies()
    yield Finding("endpoint", "answers", str(error), "error", fix)


def _proxies() -> Iterator[Finding]:
    proxies = [name for name in os.environ if name.upper() in _PROXIES and os.environ[name]]
    if proxies:
        yield Finding("endpoint", "proxies", f"set by {', '.join(sorted(proxies))}")
    from tui.claude.network import invalid_no_proxy

    if wrong := invalid_no_proxy(getproxies()):
        value = f"{', '.join(wrong)} in NO_PROXY is not a host and has no effect"
        yield Finding("endpoint", "no proxy", value, "warning", "Correct it, or remove it.")


def _caching(endpoint: Endpoint, model: Model | None) -> Finding:
    if endpoint.cache is not None:
        value = "on" if endpoint.cache else "off"
        return Finding("endpoint", "caching", f"{value}, as the profile says")
    if model is not None and model.is_described:
        return Finding("endpoint", "caching", "on")
    value = "off: the endpoint does not describe the model"
    fix = "If the model is Claude, set cache = true in its profile."
    return Finding("endpoint", "caching", value, "warning", fix)
