"""Connects the session with the widgets: one controller for each part of the screen.

A controller knows its widgets and the session, never the screen. It raises
`HistoryError` and `Refused`, and the screen shows them to the user.
"""
