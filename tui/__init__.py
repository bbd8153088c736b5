"""The terminal home for a person's conversations with Claude."""

__version__ = "0.1.0"
