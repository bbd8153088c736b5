"""The tab of the settings with the model, the effort, the longest reply and the thinking.

It only posts what the user chose: it saves nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from rich.cells import set_cell_size
from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, OptionList, Static, TabPane
from textual.widgets.option_list import Option

from tui.domain.model import EFFORTS, Effort, Model
from tui.domain.model_choices import ModelChoice, choices_of, matching
from tui.domain.parameters import (
    MAX_TOKENS,
    MOST_TOKENS,
    THINKING_DISPLAYS,
    Parameters,
)
from tui.text import formatting
from tui.text.sanitise import clean_line
from tui.ui.widgets.line_input import LineInput
from tui.ui.widgets.step_line import StepLine

SHOWN = 200
"""At most so many models are listed. Typing finds the others."""

DEFAULT = "default"
"""The step that leaves a parameter unset."""

_MUTED = "$foreground 70%"
_LONGEST = 200
_COLUMNS = (20, 8, 6, 18, 20)
"""The widths of the name, the context, the longest reply, the price and the abilities."""

READING = "Reading the models…"
NOT_DESCRIBED = "The endpoint does not describe this model: nothing optional is sent."


class ModelTab(TabPane):
    """Lists models, with the other parameters below."""

    class Changed(Message):
        """The user changed a parameter, which is not saved yet."""

    class Submitted(Message):
        """The user wants to save the parameters."""

    def __init__(self, parameters: Parameters, defaults: Parameters) -> None:
        """Take the present parameters, and the defaults of the profile."""
        super().__init__("Model", id="model")
        self._present = parameters
        self._defaults = defaults
        self._choices = choices_of((), (), parameters.model)
        self._shown: list[ModelChoice] = []
        self._status = READING
        self._prices: Mapping[str, str] = {}
        self._more = ""
        """A line about the matching models that are not listed; empty if all are."""
        self._effort = parameters.effort

    def compose(self) -> ComposeResult:
        """Compose the filter, the list of models and the other parameters."""
        yield LineInput(
            placeholder="Filter models, or type the id of one", compact=True, id="model-filter"
        )
        yield Static(_head(), classes="head", markup=False)
        yield OptionList(markup=False, id="models")
        yield Static(id="model-detail")
        yield StepLine("Effort         ", id="effort")
        with Horizontal(id="max-tokens-line"):
            yield Static("Longest reply  ", classes="label")
            length = self._present.max_tokens
            value = "" if length is None else str(length)
            yield LineInput(value, placeholder="default", compact=True, id="max-tokens")
            yield Static(id="max-tokens-limit")
        yield StepLine("Thinking       ", id="thinking")
        yield Static(classes="cost")

    def on_mount(self) -> None:
        """Show the present model, which is known at once."""
        self._offer_thinking()
        self._list()

    def reset(self, present: Parameters, defaults: Parameters) -> None:
        """Show the present model of another connection; keep the user's other choices.

        `show_choices` lists that connection's models later.
        """
        self._choices = choices_of((), (), present.model)
        self._present, self._defaults, self._status = present, defaults, READING
        self.query_one("#model-filter", Input).value = ""
        self._list()

    def _offer_thinking(self) -> None:
        shown = self._present.thinking_display or DEFAULT
        default = self._defaults.thinking_display
        self._line("thinking").offer(
            [DEFAULT, *THINKING_DISPLAYS], shown, note=f"default: {default}"
        )

    def show_problem(self, problem: str) -> None:
        """Show why no models can be listed. The user can still type an id."""
        self._status = f"{formatting.sentence(problem)} You can type the id of a model."
        self._show_chosen()

    def show_choices(
        self, choices: Sequence[ModelChoice], prices: Mapping[str, str] | None = None
    ) -> None:
        """List the models, with the prices of those that have one."""
        chosen = self._model.id
        self._prices = prices or {}
        self._choices = list(choices)
        is_any_listed = any(each.is_listed for each in choices)
        self._status = (
            "" if is_any_listed else "The endpoint lists no models. Type the id of one."
        )
        self._list(chosen)

    def show_cost(self, line: str) -> None:
        """Show what the changes cost; an empty line if they cost nothing."""
        self.query_one(".cost", Static).update(Content(line))

    @property
    def draft(self) -> Parameters:
        """The parameters as the user has chosen them so far. See `problem`."""
        shown = self._line("thinking").step
        thinking = next((each for each in THINKING_DISPLAYS if each == shown), None)
        model = self._model
        # Without a description, it is not known what the model takes: keep the choice.
        may_stay = self._effort in model.efforts or not model.is_described
        is_as_before = (model.id, self._effort) == (self._present.model, self._present.effort)
        return replace(
            self._present,
            model=model.id,
            effort=self._effort if may_stay or is_as_before else None,
            max_tokens=self._max_tokens,
            thinking_display=thinking,
        )

    @property
    def problem(self) -> str:
        """What is wrong with the typed text; empty if nothing is."""
        typed = self._typed("max-tokens")
        before = self._present.model, str(self._present.max_tokens)
        if not typed or (self._model.id, typed) == before:
            # A saved length above the model's limit is no problem: the limit is sent.
            return ""
        limit = self._model.max_tokens
        most = MOST_TOKENS if limit is None else min(limit, MOST_TOKENS)
        if not (typed.isascii() and typed.isdecimal()):
            return "The longest reply must be a number of tokens."
        if not 1 <= self._max_tokens_typed <= most:
            what = "can be" if limit is None else "of this model is"
            return f"The longest reply {what} at most {most:,} tokens."
        return ""

    def action_step(self, step: int) -> None:
        """Choose the next model in the list (1) or the one before it (-1)."""
        options = self.query_one(OptionList)
        if step > 0:
            options.action_cursor_down()
        else:
            options.action_cursor_up()

    # Choices

    @property
    def _model(self) -> Model:
        at = self.query_one(OptionList).highlighted
        if at is None or at >= len(self._shown):
            return self._choices[0].model
        return self._shown[at].model

    @property
    def _max_tokens_typed(self) -> int:
        # Python refuses numbers with thousands of digits.
        return int(self._typed("max-tokens")[:18])

    @property
    def _max_tokens(self) -> int | None:
        return (
            self._max_tokens_typed if self._typed("max-tokens") and not self.problem else None
        )

    def _typed(self, name: str) -> str:
        typed = self.query_one(f"#{name}", Input).value.strip()
        return (
            typed.translate({ord(sign): None for sign in ",_ "})
            if name != "model-filter"
            else typed
        )

    def _line(self, name: str) -> StepLine:
        return self.query_one(f"#{name}", StepLine)

    @on(Input.Changed)
    @on(StepLine.Changed)
    @on(OptionList.OptionHighlighted)
    def _on_changed(self, event: Message) -> None:
        event.stop()
        match event:
            case Input.Changed() if event.input.id == "model-filter":
                self._list()
            case StepLine.Changed() if event.line.id == "effort":
                self._effort = _effort(event.step)
            case _:
                pass
        self._show_chosen()
        self.post_message(self.Changed())

    @on(Input.Submitted)
    @on(OptionList.OptionSelected)
    def _on_submitted(self, event: Message) -> None:
        event.stop()
        self.post_message(self.Submitted())

    # Display

    def _list(self, chosen: str = "") -> None:
        """List the matches; the cursor stays on `chosen`, or moves to the best match."""
        typed, options = self._typed("model-filter"), self.query_one(OptionList)
        found = matching(self._choices, typed)
        self._shown = found[:SHOWN]
        ids = [each.model.id for each in self._shown]
        wanted = chosen or ("" if typed else self._present.model)
        options.clear_options()
        options.add_options(
            Option(_row(each, self._present.model, self._prices.get(each.model.id, "")))
            for each in self._shown
        )
        options.highlighted = ids.index(wanted) if wanted in ids else 0
        more = len(found) - len(self._shown)
        self._more = f"{more:,} more models: type to find them." if more else ""
        self._show_chosen()

    def _show_chosen(self) -> None:
        """Show the details of the chosen model, and the efforts and length that it takes."""
        model, efforts = self._model, self._model.efforts
        is_known = self._status != READING
        details = _details(model, is_known=is_known)
        lines = [self._status or self._more, " · ".join(details)]
        detail = "\n".join(clean_line(line) for line in lines if line)
        self.query_one("#model-detail", Static).update(Content(detail))
        if efforts:
            note = f"default: {self._defaults.effort}" if self._defaults.effort else ""
        elif model.is_described:
            note = "this model takes none"
        else:
            # Until the list is read, only the present choice is known.
            note = "not sent" if is_known else self._effort or DEFAULT
        steps = [DEFAULT, *efforts] if efforts else []
        self._line("effort").offer(steps, self._effort or DEFAULT, note=note)
        default = self._defaults.max_tokens or MAX_TOKENS
        limit = model.max_tokens
        most = "" if limit is None else f"at most {limit:,}; "
        words = (
            (self.problem, "$text-error")
            if self.problem
            else (f"tokens; {most}default {default:,}", _MUTED)
        )
        self.query_one("#max-tokens-limit", Static).update(Content.assemble(words))


def _effort(step: str) -> Effort | None:
    return next((effort for effort in EFFORTS if effort == step), None)


def _head() -> Content:
    names = ("Model", "Context", "Reply", "$ / M in · out", "Takes")
    columns = "".join(
        set_cell_size(name, width) for name, width in zip(names, _COLUMNS, strict=True)
    )
    return Content.assemble((f"  {columns}Retires", _MUTED))


def _row(choice: ModelChoice, present: str, price: str) -> Content:
    """Return the line of a model in the list. `price`: dollars per million tokens."""
    model = choice.model
    mark = ("●" if model.id == present else " ", "$accent")
    name = model.name if model.name != model.id else formatting.model_name(model.id)
    name = clean_line(name[:_LONGEST])
    if not choice.is_listed and model.id != present and not choice.is_recent:
        return Content.assemble(mark, f" {name}  ", ("as it was typed", _MUTED))
    figures = [
        "" if tokens is None else formatting.size(tokens)
        for tokens in (model.context, model.max_tokens)
    ]
    texts = (name, *figures, price, " ".join(model.abilities))
    cells = zip(texts, _COLUMNS, strict=True)
    first, *rest = (set_cell_size(f"{cell} ", width) for cell, width in cells)
    retires = "retired" if model.is_retired else model.retires_on or ""
    return Content.assemble(mark, f" {first}", ("".join(rest) + retires, _MUTED))


def _details(model: Model, *, is_known: bool) -> Iterator[str]:
    """Yield the details of a model; only its id while the list is not read yet."""
    yield model.id[:_LONGEST]
    if is_known and not model.is_described:
        yield NOT_DESCRIBED
    elif model.is_retired:
        yield "retired: it no longer answers"
    elif model.retires_on:
        yield f"retires on {model.retires_on}"
