"""Every command, in one table. Everything that shows keys is made from it.

That is Textual's bindings, the palette, the page of keys, the names under `[keys]` and the
table in README. The table is data, and imports nothing of the screens.

In `help` and in hints, an id in braces stands for its key: `{chat.find}`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Scope = Literal[
    "app",
    "chat",
    "composer",
    "message",
    "sidebar",
    "filter",
    "find",
    "confirm",
    "line",
    "template",
    "choice",
    "search",
    "recall",
    "settings",
    "steps",
    "connection",
    "form",
    "help",
]


@dataclass(frozen=True, slots=True)
class KeyScope:
    """Where the keys of a scope work."""

    heading: str
    """Its heading on the page of keys."""
    where: str = ""
    """The same, to show after a key: `r on a message`."""
    is_modal: bool = False
    """Whether no other keys work there, because it is a dialog."""
    is_written_in: bool = False
    """Whether letters are text there, and never commands."""


EVERYWHERE = "Everywhere"
"""The heading of the keys that also work in every other scope."""

PLACES: dict[Scope, KeyScope] = {
    "app": KeyScope(EVERYWHERE),
    "chat": KeyScope(EVERYWHERE),
    "composer": KeyScope("While writing", is_written_in=True),
    "message": KeyScope("On a message (press Shift+Tab)", "on a message"),
    "sidebar": KeyScope("In the sidebar", "in the sidebar"),
    "filter": KeyScope("In the filter above the list", is_written_in=True),
    "find": KeyScope("Searching in a conversation", is_written_in=True),
    "confirm": KeyScope("In a question", is_modal=True),
    "line": KeyScope("In a text field", is_modal=True),
    "template": KeyScope("Filling in a template", is_modal=True),
    "choice": KeyScope("In a list of choices", is_modal=True),
    "search": KeyScope("Searching everything", is_modal=True),
    "recall": KeyScope("Searching earlier prompts", is_modal=True),
    "settings": KeyScope("In the settings of a conversation", is_modal=True),
    "steps": KeyScope("On a row of choices in the settings", is_modal=True),
    "connection": KeyScope("In the list of connections", is_modal=True),
    "form": KeyScope("Adding a connection", is_modal=True),
    "help": KeyScope("In this help", is_modal=True),
}


@dataclass(frozen=True, slots=True)
class Command:
    """One thing that the user can do."""

    id: str
    """Its name under `[keys]`."""
    title: str
    help: str
    """What it does, if the title does not say everything."""
    keys: str
    """Its keys in Textual's spelling, with commas between them; empty if it has none."""
    scope: Scope
    action: str = ""
    """Textual's action on the scope's widget; empty for `run` with the id, on the chat."""
    label: str = ""
    """Its label in the footer; empty if the footer does not show it."""
    is_in_palette: bool = False
    slash: str = ""
    """Its name after a slash, if it is in the palette; empty for the last part of its id."""
    takes: str = ""
    """What its argument is after the slash; empty if it takes none."""
    is_priority: bool = False
    """Whether its key takes precedence over those of the focused widget."""

    @property
    def every_key(self) -> tuple[str, ...]:
        """Its keys, one by one."""
        return tuple(self.keys.split(",")) if self.keys else ()

    @property
    def description(self) -> str:
        """The title, and the help after it."""
        return f"{self.title}: {self.help}" if self.help else self.title


COMMANDS: tuple[Command, ...] = (
    Command("app.help", "Help", "every key", "f1", "app", "help",
            "Help", is_in_palette=True),
    Command("app.quit", "Quit", "ask first if a reply is running", "ctrl+q", "app",
            "quit", "Quit", is_in_palette=True),
    Command("app.interrupt", "Copy, stop or quit",
            "copy the selection; without one, stop the reply; else press twice to quit",
            "ctrl+c", "app", "interrupt",
            # It takes precedence over the text area's key, which would copy nothing silently.
            is_priority=True),
    # Bound here, because Textual would bind it without an id.
    Command("app.palette", "Palette", "every command, by name", "ctrl+p", "app",
            "command_palette", "Palette", is_priority=True),
    Command("app.settings", "Conversation settings",
            "model, system prompt, connections", "ctrl+o", "app", "settings",
            is_in_palette=True),
    Command("chat.model", "Model and parameters", "of this conversation", "", "app",
            "settings('model')", is_in_palette=True),
    Command("chat.system", "System prompt", "of this conversation", "", "app",
            "settings('system')", is_in_palette=True),
    # At the first start only. They take precedence over the text area's own keys, which
    # select a line and everything.
    Command("app.connect-key", "Paste a key", "at the first start", "f6", "app",
            "connect('key')", is_priority=True),
    Command("app.connect-login", "Use the login",
            "of Anthropic's command line, at the first start", "f7", "app",
            "connect('login')", is_priority=True),
    Command("app.connect-local", "Look for local servers", "at the first start", "f9", "app",
            "connect('local')", is_priority=True),
    Command("app.suspend", "Undo delete or suspend",
            "outside a text field; fg brings a suspended program back",
            "ctrl+z", "app", "undo_or_suspend"),
    Command("app.leave-to-shell", "Suspend", "go to the shell; fg brings the program back", "",
            "app", "suspend_process", is_in_palette=True, slash="suspend"),
    Command("app.shade", "Light or dark", "switch between the two themes", "", "app",
            "change_shade", is_in_palette=True),
    Command("app.theme", "Theme", "choose from all themes", "", "app", "change_theme",
            is_in_palette=True),
    Command("app.theme-of-terminal", "Theme of the terminal",
            "light or dark, like the terminal's background", "", "app", "follow_terminal",
            is_in_palette=True),

    Command("chat.new", "New conversation", "", "ctrl+n", "chat", label="New",
            is_in_palette=True),
    Command("chat.sidebar", "Sidebar", "move the focus there; press again to hide it", "ctrl+s",
            "chat", label="Sidebar", is_in_palette=True),
    Command("chat.stop", "Stop the reply",
            "keep the text so far; without a reply, close what is open", "escape", "chat",
            "escape", "Stop", is_in_palette=True),
    Command("chat.accept", "Accept", "answer yes to the question above the composer", "f8",
            "chat"),
    Command("chat.thinking", "Show or hide thinking", "in every message; and the system prompt",
            "ctrl+t", "chat", is_in_palette=True),
    Command("chat.previous", "Previous conversation", "", "ctrl+pageup,alt+up", "chat",
            is_in_palette=True),
    Command("chat.next", "Next conversation", "", "ctrl+pagedown,alt+down", "chat",
            is_in_palette=True),
    Command("chat.end", "Go to the end", "follow the reply again", "ctrl+end", "chat"),
    Command("chat.find", "Find here", "in this conversation; press twice to search all of them",
            "ctrl+f", "chat", is_in_palette=True, takes="words"),
    Command("chat.search", "Search everything", "in all conversations; or {chat.find} twice",
            "", "chat", is_in_palette=True, takes="words"),
    Command("chat.rename", "Rename", "change the title of the conversation", "f2", "chat",
            is_in_palette=True, takes="title"),
    Command("chat.save", "Save as a file",
            "the open conversation, as Markdown, next to the history", "", "chat",
            is_in_palette=True),
    Command("chat.undo", "Undo delete",
            "for half a minute; {app.suspend} outside a text field", "", "chat",
            is_in_palette=True),
    Command("chat.redraw", "Redraw", "draw the whole screen again", "ctrl+l", "chat",
            is_in_palette=True),

    Command("composer.send", "Send", "after a backslash, start a new line", "enter",
            "composer", "send", "Send"),
    Command("composer.newline", "New line", "", "ctrl+j,shift+enter,ctrl+enter", "composer",
            "newline", "New line"),
    Command("composer.recall", "Earlier prompts",
            "search all your questions; Up on the first line steps through them",
            "ctrl+r", "composer", "screen.run('composer.recall')", is_in_palette=True),
    Command("composer.template", "Insert a template", "one of your prompt templates",
            "", "composer", is_in_palette=True),
    Command("composer.save-template", "Save as a template", "the text in the composer", "",
            "composer", is_in_palette=True),
    Command("composer.editor", "Open in an editor", "in $VISUAL, $EDITOR or vi", "ctrl+g",
            "composer", "screen.run('composer.editor')", is_in_palette=True),
    Command("composer.complete", "Complete", "a command that begins with a slash", "tab",
            "composer", "complete", "Complete"),
    Command("composer.page-up", "Scroll up", "the conversation, by a page", "pageup",
            "composer", "scroll_transcript(-1)"),
    Command("composer.page-down", "Scroll down", "the conversation, by a page", "pagedown",
            "composer", "scroll_transcript(1)"),

    Command("message.next", "Next message", "", "j", "message", "move(1)"),
    Command("message.previous", "Previous message", "", "k", "message", "move(-1)"),
    Command("message.first", "First message", "", "g", "message", "move(-1000000)"),
    Command("message.last", "Last message", "", "G", "message", "move(1000000)"),
    Command("message.copy", "Copy message", "as Markdown", "y", "message", "copy", "Copy",
            is_in_palette=True),
    Command("message.copy-code", "Copy code", "one code block; press again for the next one",
            "c", "message", "copy_code", "Code", is_in_palette=True),
    Command("message.save-code", "Save code",
            "one code block, into a file; press again for the next one", "s", "message",
            "want('save_code')", "Save code", is_in_palette=True),
    Command("message.link", "Open link", "ask first; press again for the next one", "l",
            "message", "follow_link", "Link", is_in_palette=True),
    Command("message.edit", "Edit question", "make a new version; the old one stays", "e",
            "message", "want('edit')", "Edit", is_in_palette=True),
    Command("message.save-template", "Save question as a template", "", "t", "message",
            "want('save_template')", is_in_palette=True, slash="save-question"),
    Command("message.regenerate", "Regenerate", "ask for a new version; the old one stays",
            "r", "message", "want('regenerate')", "Regenerate", is_in_palette=True),
    Command("message.regenerate-with", "Regenerate with another model", "choose the model",
            "R", "message", "want('regenerate_with')", is_in_palette=True),
    Command("message.version-before", "Previous version", "", "left_square_bracket",
            "message", "want('previous')", "‹", is_in_palette=True, slash="previous-version"),
    Command("message.version-after", "Next version", "", "right_square_bracket", "message",
            "want('next')", "›", is_in_palette=True, slash="next-version"),
    Command("message.tree", "Tree", "show all versions", "v", "message", "want('tree')",
            "Tree", is_in_palette=True),
    Command("message.fork", "Fork", "copy the conversation up to here into a new one", "b",
            "message", "want('fork')", "Fork", is_in_palette=True),
    Command("message.continue", "Continue", "ask for the rest of a reply that broke off", "o",
            "message", "want('continue')", "Continue", is_in_palette=True),
    Command("message.delete", "Delete message", "", "x", "message", "want('delete')",
            "Delete", is_in_palette=True, slash="delete-message"),
    Command("message.undo", "Undo delete", "for half a minute", "u", "message", "undo",
            "Undo delete"),
    Command("message.collapse", "Collapse", "hide or show the thinking, or the system prompt",
            "enter", "message", "collapse", "Collapse"),
    Command("message.match-after", "Next match", "of the find bar", "n", "message",
            "look(1)"),
    Command("message.match-before", "Previous match", "of the find bar", "N",
            "message", "look(-1)"),

    Command("sidebar.down", "Down", "", "down,j", "sidebar", "move(1)"),
    Command("sidebar.up", "Up", "", "up,k", "sidebar", "move(-1)"),
    Command("sidebar.page-down", "Page down", "", "pagedown", "sidebar", "move_page(1)"),
    Command("sidebar.page-up", "Page up", "", "pageup", "sidebar", "move_page(-1)"),
    Command("sidebar.first", "First", "", "home", "sidebar", "move_to(0)"),
    Command("sidebar.last", "Last", "", "end", "sidebar", "move_to(-1)"),
    Command("sidebar.choose", "Open", "", "enter", "sidebar", "choose"),
    Command("sidebar.filter", "Filter", "by title or #tag", "slash", "sidebar", "filter",
            "Filter"),
    Command("sidebar.mark", "Mark", "select several for the next action", "space", "sidebar",
            "mark", "Mark"),
    Command("sidebar.pin", "Pin or unpin", "", "p", "sidebar", "want('pin')", "Pin",
            is_in_palette=True),
    Command("sidebar.archive", "Archive conversation", "move an archived one back",
            "a", "sidebar", "want('archive')", "Archive", is_in_palette=True),
    Command("sidebar.show-archive", "Show the archive", "press again for the list", "A",
            "sidebar", "show_archive", "The archive", is_in_palette=True),
    Command("sidebar.tag", "Tags", "words that the filter finds", "t", "sidebar", "want('tag')",
            "Tags", is_in_palette=True, slash="tags"),
    Command("sidebar.delete", "Delete conversation", "", "x", "sidebar", "want('delete')",
            "Delete", is_in_palette=True, slash="delete-conversation"),
    Command("sidebar.undo", "Undo delete", "for half a minute", "u", "sidebar", "undo",
            "Undo delete"),

    Command("filter.down", "Down", "", "down", "filter", "step(1)"),
    Command("filter.up", "Up", "", "up", "filter", "step(-1)"),
    Command("filter.search", "Search everything", "", "enter", "filter", "enter",
            "Search everything"),
    Command("filter.list", "Go to the list", "", "tab", "filter", "go_to_list", "The list"),

    Command("find.next", "Next match", "", "enter,down", "find", "step(1)", "Next"),
    Command("find.previous", "Previous match", "", "up,shift+enter", "find", "step(-1)",
            "Previous"),

    Command("confirm.yes", "Yes", "", "enter,y", "confirm", "answer(True)", "Yes"),
    Command("confirm.no", "No", "", "escape,n", "confirm", "answer(False)", "No"),

    Command("template.leave", "Cancel", "", "escape", "template", "leave", "Cancel"),

    Command("line.leave", "Cancel", "", "escape", "line", "leave", "Cancel"),

    Command("choice.down", "Down", "", "j", "choice", "step(1)"),
    Command("choice.up", "Up", "", "k", "choice", "step(-1)"),
    Command("choice.leave", "Cancel", "", "escape", "choice", "leave", "Cancel"),

    Command("search.down", "Down", "", "down", "search", "step(1)"),
    Command("search.up", "Up", "", "up", "search", "step(-1)"),
    Command("search.page-down", "Page down", "", "pagedown", "search", "page(1)"),
    Command("search.page-up", "Page up", "", "pageup", "search", "page(-1)"),
    Command("search.order", "Newest or best match first", "", "tab", "search",
            "change_order", "Order"),
    Command("search.leave", "Close", "", "escape", "search", "leave", "Close"),

    Command("recall.down", "Down", "", "down,ctrl+r", "recall", "step(1)"),
    Command("recall.up", "Up", "", "up", "recall", "step(-1)"),
    Command("recall.page-down", "Page down", "", "pagedown", "recall", "page(1)"),
    Command("recall.page-up", "Page up", "", "pageup", "recall", "page(-1)"),
    Command("recall.leave", "Close", "and keep the draft", "escape", "recall", "leave",
            "Close"),
    Command("settings.down", "Next model", "", "down", "settings", "step(1)"),
    Command("settings.up", "Previous model", "", "up", "settings", "step(-1)"),
    Command("settings.next-tab", "Next tab", "", "ctrl+pagedown", "settings", "step_tab(1)"),
    Command("settings.previous-tab", "Previous tab", "", "ctrl+pageup", "settings",
            "step_tab(-1)"),
    Command("settings.template", "Template", "take the system prompt of one", "ctrl+t",
            "settings", "template"),
    Command("settings.editor", "Open in an editor", "the system prompt", "ctrl+g",
            "settings", "editor"),
    Command("settings.save", "Save", "all tabs", "ctrl+s", "settings", "save",
            is_priority=True),
    Command("settings.leave", "Close", "", "escape", "settings", "leave",
            is_priority=True),

    Command("steps.right", "Next choice", "", "right,l", "steps", "step(1)"),
    Command("steps.left", "Previous choice", "", "left,h", "steps", "step(-1)"),
    Command("connection.use", "Use", "for the next questions", "enter", "connection",
            "act('use')", "Use"),
    Command("connection.add", "Add", "paste a key, or type an address", "a", "connection",
            "act('add')", "Add"),
    Command("connection.test", "Test", "request its models", "t", "connection",
            "act('test')", "Test"),
    Command("connection.default", "Make default", "use it at the next start too", "d",
            "connection", "act('default')", "Default"),
    Command("connection.remove", "Remove", "and its saved key", "x",
            "connection", "act('remove')", "Remove"),
    Command("connection.local", "Look for local servers", "on this machine", "l",
            "connection", "act('local')", "Local servers"),
    Command("connection.down", "Down", "", "j", "connection", "cursor_down"),
    Command("connection.up", "Up", "", "k", "connection", "cursor_up"),

    Command("form.leave", "Cancel", "", "escape", "form", "leave", "Cancel"),

    Command("help.close", "Close", "", "escape,f1,q", "help", "dismiss", "Close"),
)  # fmt: skip
"""Every command, in the order of the lists that show them."""

BY_ID = {command.id: command for command in COMMANDS}
