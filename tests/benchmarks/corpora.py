"""Replies of every kind at any length, the same ones on every run."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator

from tui.domain.conversation import Block, Message

_WORDS: list[str] = re.findall(
    r"\w+",
    "a the of to and in is that it for as with on be at by this which or from an are not but"
    " one what when there can more if will each about how them then some so these would"
    " other into has two could time very than first been its who now people made over down"
    " only way find use may water long little after called just where most know get through"
    " back much before line right too means old any same tell follow came want show also"
    " around form three small set put end does another well large must conversation terminal"
    " message streaming paragraph measurement unnecessarily",
)
_EMOJI = ["😀", "🎉", "👍🏽", "👩\u200d👩\u200d👧", "🇳🇴", "❤️", "1️⃣", "🧑\u200d💻", "✨", "🌍"]

Kind = Callable[[random.Random], Iterator[str]]
"""Yields an endless number of pieces of a reply."""


def corpus(kind: str, length: int) -> str:
    """Return a reply of a kind in `KINDS`, with exactly `length` characters."""
    pieces, have = [], 0
    for piece in KINDS[kind](random.Random(kind)):
        pieces.append(piece)
        have += len(piece)
        if have >= length:
            break
    return "".join(pieces)[:length]


def conversation(count: int, name: str = "") -> list[Message]:
    """Return `count` messages, short questions and long replies, 0.9 kB on average."""
    dice = random.Random(f"{count} {name}")
    mixed = corpus("mixed", 200_000)
    return [_message(name, number, dice, mixed) for number in range(count)]


def _message(name: str, number: int, dice: random.Random, mixed: str) -> Message:
    is_question = number % 2 == 0
    length = int(dice.expovariate(1 / (200 if is_question else 1600))) + 1
    begin = mixed.find("\n\n", dice.randrange(len(mixed) - 20_000)) + 2
    return Message(
        id=f"message-{name}-{number}",
        conversation_id="conversation",
        role="user" if is_question else "assistant",
        blocks=(Block({"type": "text", "text": mixed[begin : begin + length]}),),
        created_ms=1_795_442_520_000 + number * 60_000,
        parent_id=f"message-{name}-{number - 1}" if number else None,
        model=None if is_question else "claude-sonnet-5-5",
    )


def _sentence(dice: random.Random) -> str:
    words = [_word(dice) for _ in range(dice.randint(5, 22))]
    return f"{' '.join(words).capitalize()}. "


def _word(dice: random.Random) -> str:
    word = dice.choice(_WORDS)
    match dice.randrange(40):
        case 0:
            return f"**{word}**"
        case 1:
            return f"*{word}*"
        case 2:
            return f"`{word}()`"
        case 3:
            return f"{word} – “{word}”"
        case _:
            return word


def _paragraph(dice: random.Random) -> str:
    return "".join(_sentence(dice) for _ in range(dice.randint(2, 6))) + "\n\n"


def _line_of_code(dice: random.Random) -> str:
    name, other = dice.choice(_WORDS), dice.choice(_WORDS)
    return dice.choice(
        (
            f"def {name}_{other}(value: int, *, {other}: str = '{name}') -> None:",
            f"    {name} = [{other} for {other} in range({dice.randrange(100)})]",
            f'    return f"{name} {{value:>{dice.randrange(20)}}}"  # {other}',
            f"    if {name} and not {other}:",
            "",
        )
    )


def _row(dice: random.Random) -> str:
    return f"| {dice.choice(_WORDS)} | {_sentence(dice)[:40].strip()} | {dice.random():.3f} |\n"


def _item(dice: random.Random) -> str:
    return f"{'    ' * (dice.random() < 0.3)}- {_sentence(dice)}\n"


def _prose(dice: random.Random) -> Iterator[str]:
    while True:
        yield _paragraph(dice)


def _fence(dice: random.Random) -> Iterator[str]:
    yield "```python\n"
    while True:
        yield f"{_line_of_code(dice)}\n"


def _table(dice: random.Random) -> Iterator[str]:
    yield "| name | what | value |\n|---|---|---:|\n"
    while True:
        yield _row(dice)


def _list(dice: random.Random) -> Iterator[str]:
    yield f"- {_sentence(dice)}\n"
    while True:
        yield _item(dice)


def _one_paragraph(dice: random.Random) -> Iterator[str]:
    while True:
        yield _sentence(dice)


def _mixed(dice: random.Random) -> Iterator[str]:
    while True:
        yield f"## {_sentence(dice).strip()}\n\n"
        yield from (_paragraph(dice) for _ in range(3))
        yield "```python\n"
        yield from (f"{_line_of_code(dice)}\n" for _ in range(dice.randint(5, 30)))
        yield "```\n\n"
        yield from (_item(dice) for _ in range(dice.randint(3, 9)))
        yield f"\n> {_sentence(dice)}\n\n"
        yield "| name | what | value |\n|---|---|---:|\n"
        yield from (_row(dice) for _ in range(dice.randint(2, 8)))
        yield "\n"


def _cjk(dice: random.Random) -> Iterator[str]:
    while True:
        yield f"{'，'.join(_clause(dice) for _ in range(8))}。\n\n"


def _clause(dice: random.Random) -> str:
    return "".join(chr(dice.randrange(0x4E00, 0x9F00)) for _ in range(dice.randint(4, 18)))


def _emoji(dice: random.Random) -> Iterator[str]:
    while True:
        words = (f"{dice.choice(_EMOJI)} {dice.choice(_WORDS)}" for _ in range(40))
        yield f"{' '.join(words)}.\n\n"


KINDS: dict[str, Kind] = {
    "prose": _prose,
    "mixed": _mixed,
    "fence": _fence,
    "table": _table,
    "list": _list,
    "paragraph": _one_paragraph,
    "CJK": _cjk,
    "emoji": _emoji,
}
