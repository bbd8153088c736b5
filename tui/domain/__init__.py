"""Values and pure functions: no I/O, no Textual, no SDK, no SQL."""
