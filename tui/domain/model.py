"""A model as its endpoint describes it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal, get_args

from tui.domain.wire import Json, count

Effort = Literal["low", "medium", "high", "xhigh", "max"]
EFFORTS: tuple[Effort, ...] = get_args(Effort)
"""Every effort that the API knows, the least first."""


@dataclass(frozen=True, slots=True)
class Model:
    """A model as the Models API describes it. Gateways send only some of the fields."""

    wire: Json

    @property
    def id(self) -> str:
        """The id that a request names."""
        return str(self.wire.get("id", ""))

    @property
    def name(self) -> str:
        """Its name for people; its id if it has none."""
        name = self.wire.get("display_name")
        return name if isinstance(name, str) and name.strip() else self.id

    @property
    def max_tokens(self) -> int | None:
        """The longest reply that a request may ask for, in tokens."""
        return count(self.wire, "max_tokens")

    @property
    def context(self) -> int | None:
        """The longest conversation that it can read, in tokens."""
        return count(self.wire, "max_input_tokens")

    @property
    def is_described(self) -> bool:
        """Whether the endpoint lists its capabilities. If not, nothing optional is sent."""
        return isinstance(self.wire.get("capabilities"), dict)

    @property
    def has_adaptive_thinking(self) -> bool:
        """Whether the model decides how long to think."""
        return self._is_supported("thinking", "types", "adaptive")

    @property
    def efforts(self) -> tuple[Effort, ...]:
        """The efforts that it supports, the least first."""
        return tuple(effort for effort in EFFORTS if self.takes_effort(effort))

    @property
    def abilities(self) -> tuple[str, ...]:
        """What it supports besides text, one word each."""
        found = {
            "thinking": self._is_supported("thinking"),
            "images": self._is_supported("image_input"),
            "PDF": self._is_supported("pdf_input"),
        }
        return tuple(word for word, is_supported in found.items() if is_supported)

    @property
    def is_retired(self) -> bool:
        """Whether it no longer answers."""
        return self.wire.get("lifecycle") == "retired"

    @property
    def retires_on(self) -> str | None:
        """The day on which it retires, as `2027-09-22`; None if that is not known."""
        day = self.wire.get("retires_at")
        found = re.match(r"\d{4}-\d\d-\d\d", day, re.ASCII) if isinstance(day, str) else None
        return None if found is None else found.group()

    def takes_effort(self, effort: str) -> bool:
        """Return whether the model supports this effort."""
        return self._is_supported("effort", effort)

    def lacks(self, capability: str) -> bool:
        """Return whether the endpoint says that the model does not have a capability.

        The name is the API's, such as `image_input`. False if the endpoint says nothing.
        """
        capabilities = self.wire.get("capabilities")
        found = capabilities.get(capability) if isinstance(capabilities, dict) else None
        return isinstance(found, dict) and found.get("supported") is False

    def _is_supported(self, *names: str) -> bool:
        node: Any = self.wire
        for name in ("capabilities", *names, "supported"):
            node = node.get(name) if isinstance(node, dict) else None
        return node is True
