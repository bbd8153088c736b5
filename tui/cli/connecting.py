"""Connecting a command to its endpoint, or to the offline demo."""

from __future__ import annotations

from dataclasses import replace

from tui.chat.connections import Connections
from tui.chat.pricing import Pricing
from tui.claude import Claude
from tui.claude.network import BadVariable, check
from tui.config.config import BadSetting
from tui.config.loading import Flags, load
from tui.config.settings import Settings
from tui.text.sanitise import fix_surrogates


def connect(settings: Settings, flags: Flags) -> tuple[Connections, Settings]:
    """Return the connections, and the settings that apply to them.

    Connects to the offline demo if the user chose it or if there is no credential.
    Raises `BadSetting` if an environment variable makes every request impossible.
    """
    if settings.is_demo or settings.endpoint is None:
        from tui.claude import demo

        is_chosen = settings.is_demo
        settings = replace(settings, model=demo.MODEL, is_model_named=False, title_model=None)
        connections = Connections(
            settings.profile,
            lambda _: demo.connect(),
            is_choice_offered=not (is_chosen or settings.keyring_problem),
            pricing=Pricing(settings.prices),
        )
        return connections, settings
    try:
        check(settings.endpoint.root)
    except BadVariable as error:
        raise BadSetting(str(error)) from None

    def client(profile: str) -> Claude:
        found = settings
        if profile != settings.profile:
            found = load(replace(flags, profile=profile))
        if found.endpoint is None:
            raise BadSetting(f"The profile {profile!r} has no key.")
        return Claude(found.endpoint, limits=settings.limits)

    pricing = Pricing(settings.prices)
    connections = Connections(settings.profile, client, pricing=pricing)
    return connections, replace(settings, model=fix_surrogates(settings.model))
