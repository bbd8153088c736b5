"""`chat --plain`: a front end that writes lines of text, one below the other.

It never moves the cursor and never changes a line that it wrote: it is for screen readers,
dumb terminals and serial lines.
"""
