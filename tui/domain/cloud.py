"""A cloud that serves Claude under its own addresses and with its own credentials."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

CloudKind = Literal["bedrock", "vertex", "foundry"]
"""The clouds that Anthropic's SDK has a client for."""

_NAMES: dict[CloudKind, str] = {
    "bedrock": "Bedrock",
    "vertex": "Vertex AI",
    "foundry": "Foundry",
}


@dataclass(frozen=True, slots=True)
class Cloud:
    """A cloud, and what its client needs besides an address and a key."""

    kind: CloudKind
    region: str | None = None
    """None for Foundry, whose address says it all."""
    project: str | None = None
    """The project of Google Cloud; None for the other clouds."""
    aws_profile: str | None = None
    """The profile of AWS's own files; None for the one that AWS's tools would choose."""

    @property
    def name(self) -> str:
        """Its name for people."""
        return _NAMES[self.kind]
