"""The app's journeys serve here too."""

from __future__ import annotations

from tests.screens.conftest import opened

__all__ = ["opened"]
