"""The screens. Each connects the session or the history with its widgets."""
