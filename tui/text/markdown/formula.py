r"""Shows formulas as their source: `$…$`, `$$…$$`, `\(…\)`, `\[…\]`, `\begin…\end`.

Otherwise, Markdown would take their backslashes and asterisks for escapes and emphasis. A
price such as $5 is not a formula, and neither is anything in code.
"""

from __future__ import annotations

import re

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline

_FORMULA = re.compile(
    r"\\\((?:[^\\`]|\\[^)`])*?\\\)"
    r"|\\\[(?:[^\\`]|\\[^\]`])*?\\\]"
    r"|\\begin\{(?P<name>[A-Za-z]+\*?)\}[^`]*?\\end\{(?P=name)\}"
    r"|\$\$(?!\$)[^$`]+\$\$(?!\$)"
    # Pandoc's rule: no space just inside of the dollar signs, and no digit after them.
    r"|\$(?![\s$])(?:[^$\\`]|\\[^`])+?(?<!\s)\$(?![\d$])"
)

_ENDS = {"$$": "$$", "\\[": "\\]", "\\begin{": "\\end{"}
"""The opening of a formula with several lines, and the text that its last line contains."""


def use_formulas(parser: MarkdownIt) -> None:
    """Add the rules for formulas to a parser."""
    parser.inline.ruler.before("escape", "formula", _inline)
    parser.block.ruler.before("fence", "formula", _block)


def _inline(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 - the parser's signature
    if state.src[state.pos] not in "$\\":
        return False
    found = _FORMULA.match(state.src, state.pos, state.posMax)
    if found is None:
        return False
    if not silent:
        token = state.push("formula", "", 0)
        token.content = found[0]
    state.pos = found.end()
    return True


def _block(state: StateBlock, line: int, end: int, silent: bool) -> bool:  # noqa: FBT001 - the parser's signature
    """Parse lines that are one formula as a paragraph, even if they look like other blocks."""
    if state.is_code_block(line):
        return False
    last = _last_line(state, line, end)
    if last is None:
        return False
    if silent:
        return True
    content = state.getLines(line, last + 1, state.blkIndent, keepLastLF=False).strip()
    if _FORMULA.fullmatch(content) is None:
        return False
    state.line = last + 1
    opening = state.push("paragraph_open", "p", 1)
    opening.map = [line, state.line]
    inline = state.push("inline", "", 0)
    inline.content, inline.map, inline.children = content, [line, state.line], []
    state.push("paragraph_close", "p", -1)
    return True


def _last_line(state: StateBlock, line: int, end: int) -> int | None:
    """Return the last line of a formula with several lines that begins at `line`, or None."""
    closing = next(
        (
            _ENDS[opening]
            for opening in _ENDS
            if state.src.startswith(opening, state.bMarks[line] + state.tShift[line])
        ),
        None,
    )
    if closing is None:
        return None
    for number in range(line + 1, end):
        if state.isEmpty(number) or state.sCount[number] < state.blkIndent:
            return None
        if closing in state.src[state.bMarks[number] : state.eMarks[number]]:
            return number
    return None
