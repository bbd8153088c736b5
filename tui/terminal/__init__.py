"""Access to the terminal: input that Textual 8.2.8 misreads, clipboard, notifications."""
