r"""Splits a terminal's input into pieces that Textual reads correctly.

The filter does no I/O: it gets bytes, and returns keys, pastes, text, and sequences that
Textual knows. Its only state is the input that may be incomplete. Textual 8.2.8

- reads keys inside of a paste, and cuts the paste there;
- decodes UTF-8 strictly, so that one wrong byte ends the program;
- raises for key reports that are more than integers (see `key_reports`);
- inserts every unknown sequence as text;
- divides by a size in pixels that may be zero.

`tests/test_input_filter.py` fails when Textual has fixed one of these.
"""

from __future__ import annotations

import re
from codecs import utf_8_decode

from textual import constants
from textual._ansi_sequences import ANSI_SEQUENCES_KEYS
from textual.events import Key, Paste
from textual.keys import _character_to_key as name_of

from tui.terminal import key_reports
from tui.terminal.background import BackgroundReported, background_in
from tui.terminal.layouts import latin
from tui.terminal.paste import pasted

Piece = str | Key | Paste | BackgroundReported
"""A string is text, or one complete sequence, for Textual's own parser."""

SEQUENCE_TIMEOUT = 1.0
"""Seconds of silence after which an incomplete sequence is given up."""
PASTE_TIMEOUT = 5.0
"""The same for a paste. It is longer, because a late rest would be taken for keys."""

_Read = tuple[int, list[Piece]]
"""The index to continue at, and the pieces before it."""

_ESC = 0x1B
_PASTE, _PASTE_END = b"\x1b[200~", b"\x1b[201~"
_PART_OF_END = re.compile(rb"\x1b(?:\[(?:2(?:01?)?)?)?\Z")

# Terminals written in JavaScript may send NaN or Infinity as a number. Their letters would
# end a sequence.
_CSI = re.compile(
    rb"\x1b\[(?:[0-?+.\-]|(?<=[;<+\-])(?:NaN|Infinity)|(?<=[0-9])e\+)*[ -/]*([@-~]?)"
)
_NO_NUMBER = re.compile(
    rb"(?<=[;<+\-])(?:N|Na|I(?:n(?:f(?:i(?:n(?:i(?:t)?)?)?)?)?)?)\Z|(?<=[0-9])e\Z"
)
_RXVT = re.compile(rb"\x1b\[[0-9]+\$")
_OLD_MOUSE, _LINUX_KEY = b"\x1b[M", b"\x1b[["

_STRINGS = b"]P_^X"
"""After Esc, each begins a string that ends with ST: OSC, DCS, APC, PM, SOS."""
_STRING_END = re.compile(rb"[\x00-\x08\x0a-\x1f]|\xc2\x9c")
_ENDS = (b"\x07", b"\x18", b"\x1a", b"\xc2\x9c")
_ANSWER = re.compile(rb"\x1b(?:\][0-9lLI]|P[0-9>!$+]|_G)")
"""The beginnings of strings that terminals send. Any other may be Alt and a letter."""

_LONGEST_ANSWER = 64
"""How many bytes of a string are read. The answers that we request are shorter."""

_KNOWN = re.compile(
    r"\x1b\[(?:[IO]|<[0-9]{1,4};-?[0-9]{1,6};-?[0-9]{1,6}[Mm]"
    r"|[0-9]{1,5};[0-9]{1,5}R|\?[0-9]{1,5};[0-9]\$y)"
)
"""Sequences that Textual reads correctly: focus, mouse, cursor position, modes."""
_RESIZE = re.compile(r"\x1b\[48" + r";([0-9]{1,5})(?::[0-9:]*)?" * 4 + "t")
_MAX_CELLS = 10_000
_C1 = dict.fromkeys(range(0x80, 0xA0))


class InputFilter:
    """Splits a terminal's input. The result does not depend on where a read ends."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._searched = 0
        """How many of the held bytes were searched for an end without success."""

    def feed(self, data: bytes) -> list[Piece]:
        """Return the pieces that `data` completes, in their order."""
        self._held += data
        pieces: list[Piece] = []
        at = 0
        while at < len(self._held) and (read := self._next(at)):
            at, found = read
            pieces += found
            self._searched = 0
        del self._held[:at]
        return pieces

    def pause(self, seconds: float) -> list[Piece]:
        """Return the pieces of incomplete input after a silence of `seconds`.

        Returns none if the rest may still arrive.
        """
        if not self._held or seconds < self._timeout:
            return []
        held = bytes(self._held)
        self._held.clear()
        self._searched = 0
        return self._given_up(held)

    @property
    def held(self) -> int:
        """How many bytes are held back because more may come."""
        return len(self._held)

    @property
    def _timeout(self) -> float:
        if self._held.startswith(_PASTE):
            return PASTE_TIMEOUT
        if self._held[0] == _ESC and len(self._held) <= 2 and self._held[-1] < 0x80:
            # Esc, or Alt and a letter that also begins a sequence.
            return constants.ESCAPE_DELAY
        return SEQUENCE_TIMEOUT

    def _given_up(self, held: bytes) -> list[Piece]:
        if held.startswith(_PASTE):
            return _paste(_PART_OF_END.sub(b"", held[len(_PASTE) :]))
        if held[0] != _ESC:
            return [held.decode("utf-8", "replace")]
        if len(held) == 1:
            return [_escape()]
        if held[1] >= 0x80:
            return [_escape(), held[1:].decode("utf-8", "replace")]
        if len(held) == 2 or (held[1] in _STRINGS and not _ANSWER.match(held)):
            return [*_with_alt(chr(held[1])), *self.feed(held[2:])]
        return []

    def _next(self, at: int) -> _Read | None:
        """Read the piece at an index; None if it may be incomplete."""
        held = self._held
        if held[at] != _ESC:
            return self._text(at)
        if at + 1 == len(held):
            return None
        match held[at + 1]:
            case 0x1B:
                return at + 1, [_escape()]
            case 0x5B:  # [
                return self._csi(at)
            case 0x4F:  # O
                return self._ss3(at)
            case begins if begins in _STRINGS:
                return self._string(at)
            case _:
                return self._alt(at)

    def _text(self, at: int) -> _Read | None:
        end = self._held.find(_ESC, at)
        is_complete = end >= 0
        raw = bytes(self._held[at : end if is_complete else None])
        text, used = utf_8_decode(raw, "replace", is_complete)
        text = text.translate(_C1)
        return (at + used, [text] if text else []) if used else None

    def _alt(self, at: int) -> _Read | None:
        # A character has at most four bytes.
        text, used = utf_8_decode(bytes(self._held[at + 1 : at + 5]), "replace", False)  # noqa: FBT003 - a C function
        if not used:
            return None
        if text[0] == "\ufffd":
            return at + 1, [_escape()]
        return at + 1 + len(text[0].encode()), _with_alt(text[0])

    def _ss3(self, at: int) -> _Read | None:
        if len(self._held) < at + 3:
            return None
        sequence = self._held[at : at + 3].decode("latin-1")
        if sequence in ANSI_SEQUENCES_KEYS:
            return at + 3, _from_table(sequence)
        return at + 2, _with_alt("O")

    def _csi(self, at: int) -> _Read | None:
        held = self._held
        if held.startswith(_OLD_MOUSE, at):
            return self._old_mouse(at)
        if held.startswith(_LINUX_KEY, at):
            return self._linux_key(at)
        if (rxvt := _RXVT.match(held, at)) and rxvt[0].decode() in ANSI_SEQUENCES_KEYS:
            return rxvt.end(), _from_table(rxvt[0].decode())
        if (found := _CSI.match(held, at)) is None or _NO_NUMBER.match(held, found.start(1)):
            return None
        end = found.end()
        if not found[1] and end == len(held):
            return None
        if not found[1]:
            # A byte that cannot be part of a sequence ends it.
            return end, _with_alt("[") if end == at + 2 else []
        if found[0] == _PASTE:
            return self._paste(at)
        return end, _report(found[0].decode("ascii"))

    def _old_mouse(self, at: int) -> _Read | None:
        """Drop an X10 mouse report, whose three bytes may not be UTF-8."""
        coordinates = bytes(self._held[at + 3 : at + 6])
        if (other := coordinates.find(_ESC)) >= 0:
            return at + 3 + other, []
        return (at + 6, []) if len(coordinates) == 3 else None

    def _linux_key(self, at: int) -> _Read | None:
        if len(self._held) < at + 4:
            return None
        sequence = self._held[at : at + 4].decode("latin-1")
        if sequence in ANSI_SEQUENCES_KEYS:
            return at + 4, _from_table(sequence)
        return at + 2, _with_alt("[")

    def _string(self, at: int) -> _Read | None:
        found = _STRING_END.search(self._held, at + max(2, self._searched - 1))
        if found is None:
            self._searched = len(self._held) - at
            return None
        if found[0] in _ENDS:
            return found.end(), self._answer(at, found.start())
        end = found.start()
        if self._held[end] == _ESC:
            if end + 1 == len(self._held):
                return None
            if self._held[end + 1] == ord("\\"):
                return end + 2, self._answer(at, end)
        if _ANSWER.match(self._held, at):
            return end, []
        return at + 2, _with_alt(chr(self._held[at + 1]))

    def _answer(self, at: int, end: int) -> list[Piece]:
        """Return the answer in a complete string; nothing if it is not one that we request."""
        answer = background_in(bytes(self._held[at : min(end, at + _LONGEST_ANSWER)]))
        return [answer] if answer is not None else []

    def _paste(self, at: int) -> _Read | None:
        begin = at + len(_PASTE)
        end = self._held.find(_PASTE_END, max(begin, at + self._searched - len(_PASTE_END)))
        if end < 0:
            self._searched = len(self._held) - at
            return None
        return end + len(_PASTE_END), _paste(bytes(self._held[begin:end]))


def _escape() -> Key:
    return Key("escape", "\x1b")


def _with_alt(character: str) -> list[Piece]:
    """Return the key of a character that follows Esc."""
    if known := _from_table(f"\x1b{character}"):
        return known
    if key_reports.is_text(character):
        return [Key(f"alt+{name_of(latin(character))}", character)]
    # A control character is a key of its own.
    return [character] if character.isascii() else []


def _from_table(sequence: str) -> list[Piece]:
    # Do not use Textual's parser here: it takes some of these for characters.
    match ANSI_SEQUENCES_KEYS.get(sequence):
        case tuple(known):
            return [Key(each.value, None) for each in known]
        case str(text):
            return [text]
        case _:
            return []


def _report(sequence: str) -> list[Piece]:
    """Return the pieces of a complete CSI sequence; nothing for an unknown one."""
    if _KNOWN.fullmatch(sequence):
        return [sequence]
    if resized := _RESIZE.fullmatch(sequence):
        return _size(*map(int, resized.groups()))
    keys = key_reports.keys(sequence)
    return _from_table(sequence) if keys is None else [*keys]


def _size(rows: int, columns: int, height: int, width: int) -> list[Piece]:
    if not (0 < rows < _MAX_CELLS and 0 < columns < _MAX_CELLS):
        return []
    # A terminal that does not know its size in pixels sends 0, and Textual divides by it.
    return [f"\x1b[48;{rows};{columns};{height or rows};{width or columns}t"]


def _paste(raw: bytes) -> list[Piece]:
    text = pasted(raw)
    return [Paste(text)] if text else []
