"""The clients of the endpoints, one for each profile in use."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tui.chat.pricing import Pricing
from tui.claude import Claude
from tui.domain.conversation import Message


class Connections:
    """Clients by the name of their profile; each is made when it is first needed.

    A reply takes its client when it starts, and keeps it to its end: no client is closed
    before all of them are, even if the user switches to another profile or removes one.
    """

    def __init__(
        self,
        profile: str,
        connect: Callable[[str], Claude],
        *,
        is_choice_offered: bool = False,
        pricing: Pricing | None = None,
    ) -> None:
        self.pricing = pricing or Pricing()
        """Knows what the endpoints charge."""
        self.profile = profile
        """The profile whose endpoint gets the questions."""
        self.model: str | None = None
        """That profile's model, once the user has switched; None before."""
        self.title_model: str | None = None
        """The model that writes titles there; None to keep the first words of the question."""
        self.switches = 0
        """How many times the user has switched."""
        self.own_models: set[str] = set()
        """The conversations whose model the user has chosen since the switch."""
        self.is_choice_offered = is_choice_offered
        """Whether there is no key and the user has not chosen a connection yet."""
        self._connect = connect
        self._clients: dict[str, Claude] = {}
        self._retired: list[Claude] = []
        """Removed clients, which replies may still use."""

    def client(self, profile: str) -> Claude:
        """Return the client of a profile. Raises what `connect` raises."""
        if profile not in self._clients:
            self._clients[profile] = self._connect(profile)
        return self._clients[profile]

    @property
    def current(self) -> Claude:
        """The client of the present profile."""
        return self.client(self.profile)

    def add(self, profile: str, client: Claude) -> None:
        """Set the client of a profile."""
        known = self._clients.get(profile)
        if known is not None and known.endpoint == client.endpoint:
            # Its connections are open already.
            return
        self.remove(profile)
        self._clients[profile] = client

    def remove(self, profile: str) -> None:
        """Remove a profile's client. Its running replies continue."""
        if profile in self._clients:
            self._retired.append(self._clients.pop(profile))

    def switch(self, profile: str, *, model: str, title_model: str | None) -> None:
        """Send the next questions to another profile."""
        self.profile, self.model, self.title_model = profile, model, title_model
        self.switches += 1
        self.own_models.clear()
        self.is_choice_offered = False

    def may_replace_model(self, conversation_id: str, answered_by: str | None) -> bool:
        """Return whether a conversation's model may give way to the present profile's.

        So it is after a switch, until the user chooses a model there. `answered_by` is the
        endpoint of its newest reply, as in `Message.endpoint`; None without a reply.
        """
        is_chosen = self.model is None or conversation_id in self.own_models
        return not is_chosen and self.may_continue(answered_by)

    def may_continue(self, answered_by: str | None) -> bool:
        """Return whether the present profile may continue a conversation answered there.

        The demo does not continue what Claude said, nor Claude what the demo said.
        """
        is_demo = self.current.endpoint.is_demo
        return answered_by is None or (answered_by == "demo") == is_demo

    async def close(self) -> None:
        """Close every client. None of them can be used again."""
        for client in (*self._clients.values(), *self._retired):
            await client.close()


def answered_by(path: Sequence[Message]) -> str | None:
    """Return the endpoint of the newest reply of a path; None if there is none."""
    return next((each.endpoint for each in reversed(path) if each.role == "assistant"), None)
