"""Turns a path or some bytes into an attachment: what is stored, and what is sent.

Files may be huge, endless, damaged or hostile. Each module refuses with one line, and
needs a bounded amount of memory and time.
"""
