"""The commands of plain mode: the palette's commands that need no screen."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tui.chat import conversation_commands, message_commands
from tui.chat.open_conversation import Refused
from tui.chat.undo_stack import UNDO_SECONDS
from tui.cli.plain.conversation import PlainChat
from tui.cli.plain.words import message_text, number_of
from tui.domain.conversation import Message
from tui.domain.query import parse
from tui.text import formatting
from tui.text.sanitise import clean

SHOWN = 20
"""At most so many conversations or results are listed, unless the user types a number."""

_ALIASES = {"delete-conversation": "delete"}
"""The app's name of a command, where it differs."""

_NO_MESSAGE = "There is no message in this conversation yet."


@dataclass(frozen=True, slots=True)
class PlainCommand:
    """A command that the user can type."""

    name: str
    takes: str
    help: str
    run: Callable[[PlainChat, str], Awaitable[None]]

    @property
    def usage(self) -> str:
        """The command with its argument, such as `/open NUMBER`."""
        return f"/{self.name} {self.takes}".strip()


async def run_command(chat: PlainChat, typed: str) -> bool:
    """Run a command; return False if the typed text is a question.

    As in the app, text after a command that takes no argument makes it a question. Raises
    `HistoryError` and `Refused`.
    """
    name, _, rest = typed.strip().partition(" ")
    command = COMMANDS.get(_ALIASES.get(name[1:], name[1:]))
    is_known = command is not None and name.startswith("/") and "\n" not in typed
    if command is None or not is_known or (rest.strip() and not command.takes):
        return False
    await command.run(chat, rest.strip())
    return True


async def _help(chat: PlainChat, rest: str) -> None:  # noqa: ARG001 - every command has it
    chat.say("Type a question and press Enter. End a line with a backslash to continue it.")
    chat.say("Ctrl+C stops a reply. Ctrl+C twice, or Ctrl+D, quits.")
    for command in COMMANDS.values():
        chat.say(f"{command.usage}: {command.help}.")


async def _new(chat: PlainChat, rest: str) -> None:  # noqa: ARG001
    await chat.session.new()
    chat.say("A new conversation.")


async def _list(chat: PlainChat, rest: str) -> None:
    limit = _number(rest) or SHOWN
    found = await chat.session.store.by_last_use(limit=limit)
    chat.choices = [(conversation.id, None) for conversation, _ in found]
    if not found:
        chat.say("There are no conversations yet.")
    for number, (conversation, count) in enumerate(found, 1):
        when = formatting.day_and_time(conversation.updated_ms)
        is_open = ", open" if conversation.id == chat.session.open_id else ""
        about = f"{number_of(count, 'message')}, {when}{is_open}"
        chat.say(f"{number}. {conversation.title or 'Without a title'}. {about}.")


async def _open(chat: PlainChat, rest: str) -> None:
    session = chat.session
    if not 0 < (number := _number(rest)) <= len(chat.choices):
        raise Refused("Type the number of a conversation: /list or /search numbers them.")
    conversation_id, message_id = chat.choices[number - 1]
    if message_id is None:
        await session.open(conversation_id)
    else:
        await message_commands.go_to(session, conversation_id, message_id)
    tell_opened(chat, message_id)


def tell_opened(chat: PlainChat, message_id: str | None = None) -> None:
    """Write which conversation is open, and one message of it or the last two."""
    current = chat.session.current
    path = current.path
    chat.say(f"Opened: {current.conversation.title}, {number_of(len(path), 'message')}.")
    found = [message for message in path if message.id == message_id]
    if found:
        chat.show(found)
    elif path:
        if len(path) > 2:
            chat.say("The last two messages; /show prints all of them.")
        chat.show(path[-2:])


async def _show(chat: PlainChat, rest: str) -> None:  # noqa: ARG001
    path = chat.session.current.path
    if not path:
        raise Refused(_NO_MESSAGE)
    chat.show(path)


async def _thinking(chat: PlainChat, rest: str) -> None:  # noqa: ARG001
    reply = _last_reply(chat)
    if not reply.thinking:
        raise Refused("The last reply has no readable thinking.")
    chat.write(f"{clean(reply.thinking).rstrip()}\n")


async def _search(chat: PlainChat, rest: str) -> None:
    store = chat.session.store
    query = parse(rest, store.clock.now_ms())
    if query.is_empty:
        raise Refused("Type what to search for: /search WORDS")
    if query.problem:
        raise Refused(query.problem)
    if query.hint:
        chat.say(query.hint)
    found = await store.finding.messages(query, limit=SHOWN)
    hits = () if found is None else found.hits
    chat.choices = [(hit.conversation_id, hit.message_id) for hit in hits]
    if not hits:
        chat.say("No results.")
    for number, hit in enumerate(hits, 1):
        who = "Title" if hit.found_in == "title" else "You" if hit.role == "user" else "Reply"
        chat.say(f"{number}. {hit.title or 'Without a title'}. {who}: {hit.snippet.text}")


async def _rename(chat: PlainChat, rest: str) -> None:
    if not rest:
        raise Refused("Type the new title: /rename TITLE")
    _check_saved(chat)
    await conversation_commands.rename(chat.session, chat.session.open_id, rest)
    chat.say(f"Renamed: {rest}")


async def _delete(chat: PlainChat, rest: str) -> None:  # noqa: ARG001
    _check_saved(chat)
    title = chat.session.current.conversation.title
    await conversation_commands.delete(chat.session, [chat.session.open_id])
    chat.say(f"Deleted: {title}. /undo restores it for {UNDO_SECONDS:.0f} seconds.")
    if chat.session.current.path:
        tell_opened(chat)


async def _delete_message(chat: PlainChat, rest: str) -> None:  # noqa: ARG001
    message = _last(chat)
    await message_commands.delete_message(chat.session, chat.session.open_id, message.id)
    chat.say(f"Deleted the last message. /undo restores it for {UNDO_SECONDS:.0f} seconds.")


async def _undo(chat: PlainChat, rest: str) -> None:  # noqa: ARG001
    if await conversation_commands.undo(chat.session) is None:
        raise Refused("There is nothing to undo.")
    chat.say("Restored.")
    tell_opened(chat)


async def _edit(chat: PlainChat, rest: str) -> None:
    if not rest:
        raise Refused("Type the new question: /edit QUESTION")
    session = chat.session
    questions = [each for each in session.current.path if each.role == "user"]
    own = [each for each in questions if not each.is_continuation]
    if not own:
        raise Refused(_NO_MESSAGE)
    await message_commands.edit(session, session.open_id, own[-1].id, rest)
    await chat.read_out()


async def _regenerate(chat: PlainChat, rest: str) -> None:
    session = chat.session
    await message_commands.regenerate(session, session.open_id, _last(chat).id, rest or None)
    await chat.read_out()


async def _continue(chat: PlainChat, rest: str) -> None:  # noqa: ARG001
    session = chat.session
    await message_commands.continue_reply(session, session.open_id, _last(chat).id)
    await chat.read_out()


async def _versions(chat: PlainChat, rest: str) -> None:
    session = chat.session
    versions = session.current.versions
    with_others = [message for message in session.current.path if message.id in versions]
    if not with_others:
        raise Refused("No message here has another version. /regenerate or /edit makes one.")
    message = with_others[-1]
    ids = versions[message.id]
    what = "question" if message.role == "user" else "reply"
    if not rest:
        chat.say(f"The {what} is version {ids.index(message.id) + 1} of {len(ids)}.")
        chat.write(f"{message_text(message)}\n")
        chat.say("/versions NUMBER opens another one.")
        return
    if not 0 < (number := _number(rest)) <= len(ids):
        raise Refused(f"Type a number from 1 to {len(ids)}: /versions NUMBER")
    await message_commands.go_to(session, session.open_id, ids[number - 1])
    tell_opened(chat, ids[number - 1])


async def _fork(chat: PlainChat, rest: str) -> None:  # noqa: ARG001
    await message_commands.fork(chat.session, chat.session.open_id, _last(chat).id)
    chat.say("This is the fork. The original conversation has not changed.")


async def _pin(chat: PlainChat, rest: str) -> None:  # noqa: ARG001
    _check_saved(chat)
    session = chat.session
    await conversation_commands.pin(session, [session.open_id])
    found = await session.store.conversation(session.open_id)
    chat.say("Pinned." if found is not None and found.is_pinned else "Unpinned.")


async def _archive(chat: PlainChat, rest: str) -> None:  # noqa: ARG001
    _check_saved(chat)
    ids = [chat.session.open_id]
    await conversation_commands.archive(chat.session, ids, is_archived=True)
    chat.say("Archived. It stays open.")


async def _quit(chat: PlainChat, rest: str) -> None:  # noqa: ARG001
    chat.is_left = True


def _number(rest: str) -> int:
    """Return a number that was typed; 0 if it is none, or too long to be meant."""
    return int(rest) if rest.isdecimal() and len(rest) < 10 else 0


def _check_saved(chat: PlainChat) -> None:
    if not chat.session.current.path:
        raise Refused(_NO_MESSAGE)


def _last(chat: PlainChat) -> Message:
    _check_saved(chat)
    return chat.session.current.path[-1]


def _last_reply(chat: PlainChat) -> Message:
    replies = [each for each in chat.session.current.path if each.role == "assistant"]
    if not replies:
        raise Refused("There is no reply in this conversation yet.")
    return replies[-1]


COMMANDS = {
    each.name: each
    for each in (
        PlainCommand("new", "", "start a new conversation", _new),
        PlainCommand("list", "[COUNT]", "list the conversations, each with a number", _list),
        PlainCommand("open", "NUMBER", "open an item of the last list", _open),
        PlainCommand("search", "WORDS", "search all conversations", _search),
        PlainCommand("show", "", "print the open conversation from its beginning", _show),
        PlainCommand("thinking", "", "print the thinking before the last reply", _thinking),
        PlainCommand("edit", "QUESTION", "ask another version of the last question", _edit),
        PlainCommand(
            "regenerate", "[MODEL]", "ask for another version of the last reply", _regenerate
        ),
        PlainCommand("continue", "", "ask for the rest of a reply that broke off", _continue),
        PlainCommand(
            "versions", "[NUMBER]", "show which version this is, or open one", _versions
        ),
        PlainCommand("fork", "", "copy the conversation into a new one", _fork),
        PlainCommand("rename", "TITLE", "change the title of the conversation", _rename),
        PlainCommand("pin", "", "pin or unpin the conversation", _pin),
        PlainCommand("archive", "", "move the conversation to the archive", _archive),
        PlainCommand("delete", "", "delete the conversation", _delete),
        PlainCommand("delete-message", "", "delete the last message", _delete_message),
        PlainCommand("undo", "", "restore what was deleted last", _undo),
        PlainCommand("help", "", "list the commands", _help),
        PlainCommand("quit", "", "quit", _quit),
    )
}
"""The commands by name, without the slash."""
