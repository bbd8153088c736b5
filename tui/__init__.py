"""A full-screen chat with Claude for the terminal."""

__version__ = "0.1.0"
