"""Every action, as the palette lists it."""

from __future__ import annotations

from typing import Literal, NamedTuple


class Command(NamedTuple):
    """A line of the palette."""

    title: str
    what: str
    """What it is about; a pair of braces stands for the key."""
    key: str
    """The id of its binding; empty if it has none."""
    owner: Literal["app", "chat", "transcript", "sidebar"]
    action: str
    """Textual's action, on its owner."""


COMMANDS = (
    Command("New conversation", "{}", "chat.new", "chat", "new"),
    Command("Previous conversation", "{}", "chat.previous", "chat", "switch(-1)"),
    Command("Next conversation", "{}", "chat.next", "chat", "switch(1)"),
    Command("Search everything", "{} twice: all that was ever said", "chat.find", "chat",
            "search"),
    Command("Find here", "{}: in this conversation", "chat.find", "chat", "find"),
    Command("Sidebar", "{}: go there, or hide it", "chat.sidebar", "chat", "sidebar"),
    Command("Stop the reply", "{}", "chat.stop", "chat", "stop_reply"),
    Command("Ask again", "{} on a reply: the newest one anew", "message.retry", "chat",
            "retry"),
    Command("Ask again, another model", "{} on a reply: a choice of models",
            "message.retry-with", "transcript", "want('regenerate_with')"),
    Command("Edit question", "{} on a question: ask another version of it", "message.edit",
            "transcript", "edit_question"),
    Command("Go on", "{} on a reply that broke off: the rest of it", "message.go-on",
            "transcript", "want('go_on')"),
    Command("Tree", "{} on a message: every version there is", "message.tree", "transcript",
            "want('tree')"),
    Command("Version before", "{} on a message", "message.version-before", "transcript",
            "want('previous')"),
    Command("Version after", "{} on a message", "message.version-after", "transcript",
            "want('next')"),
    Command("Fork", "{} on a message: a conversation of its own up to there", "message.fork",
            "transcript", "want('fork')"),
    Command("Copy message", "{} on a message", "message.copy", "transcript", "copy"),
    Command("Copy code", "{} on a message; again, the next block", "message.copy-code",
            "transcript", "copy_code"),
    Command("Save as a file", "The conversation you read, as Markdown beside the history", "",
            "chat", "save_file"),
    Command("Delete message", "{} on a message", "message.delete", "transcript",
            "want('delete')"),
    Command("Undo delete", "{} in the sidebar: back for ten seconds", "sidebar.undo", "chat",
            "undo_delete"),
    Command("Rename", "{}: another title", "chat.rename", "chat", "rename"),
    Command("Pin or unpin", "{} in the sidebar", "sidebar.pin", "chat", "organise('pin')"),
    Command("Tags", "{} in the sidebar: words to find it by", "sidebar.tag", "chat",
            "organise('tag')"),
    Command("Archive conversation", "{} in the sidebar: out of the list, or back",
            "sidebar.archive", "chat", "organise('archive')"),
    Command("Delete conversation", "{} in the sidebar", "sidebar.delete", "chat",
            "organise('delete')"),
    Command("Archive", "{} in the sidebar: shows what was archived", "sidebar.show-archive",
            "chat", "archive"),
    Command("Fold or show thinking", "{}", "chat.fold", "chat", "fold"),
    Command("Connect", "{}: how to talk to Claude", "app.connect", "app", "connect"),
    Command("Light or dark", "Change between the two themes", "", "app", "change_shade"),
    Command("Theme", "Choose among all themes", "", "app", "change_theme"),
    Command("Redraw", "{}", "chat.redraw", "chat", "redraw"),
    Command("Suspend", "{} outside a text field", "app.suspend", "app", "suspend_process"),
    Command("Keys", "{}: every key", "app.help", "app", "help"),
    Command("Quit", "{}", "app.quit", "app", "quit"),
)  # fmt: skip
