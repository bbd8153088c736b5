"""Inserts prompt templates into the composer, without sending them, and saves new ones."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from tui.chat import parameter_commands
from tui.chat.open_conversation import Refused
from tui.chat.session import Session
from tui.config.prompt_files import BadTemplate, name_for, save_template
from tui.domain.prompt_template import INPUT, PromptTemplate, template_text, with_template
from tui.text import formatting
from tui.text.sanitise import clean_line
from tui.ui.controllers.template_choice import choose_template
from tui.ui.widgets.composed_text import composed
from tui.ui.widgets.composer import Composer


class Templates:
    """Connects the composer with the prompt templates of a folder."""

    def __init__(
        self, composer: Composer, session: Session, folder: Path, act: Callable[..., object]
    ) -> None:
        self._composer = composer
        self._session = session
        self._folder = folder
        self._act = act
        """Runs in a worker what the user asked for."""

    @property
    def commands(self) -> Mapping[str, Callable[[], object]]:
        """The commands that this controller runs, by id."""
        return {
            "composer.template": partial(self._act, self.choose),
            "composer.save-template": partial(self._act, self.save),
        }

    async def choose(self) -> None:
        """Let the user choose a template, and insert it."""
        chosen = await choose_template(
            self._composer,
            self._folder,
            "Insert which template?",
            lambda each: each.description or each.title,
            none=f"There are no templates yet. They are files in {self._folder}.",
        )
        if chosen is not None:
            await self.insert(chosen)

    async def insert(self, template: PromptTemplate) -> None:
        """Ask for the arguments, and put the prompt into the composer.

        The present text of the composer is the template's input, if it takes one.
        """
        from tui.ui.screens.form import Field, FormScreen

        composer, values = self._composer, dict[str, str]()
        conversation_id = composer.conversation_id
        names = [each.name for each in template.arguments]
        if INPUT in names:
            values[INPUT] = composer.whole
            names.remove(INPUT)
        fields = [
            Field(each.name, each.default or "", is_required=each.default is None)
            for each in template.arguments
            if each.name in names
        ]
        if fields:
            title = template.title or template.name
            filled = await composer.app.push_screen_wait(FormScreen(title, fields))
            if filled is None:
                return
            values |= filled
        if composer.conversation_id != conversation_id:
            raise Refused("Another conversation is open now; the template was not inserted.")
        text = template.filled(values)
        if INPUT in values:
            composer.replace_all(composed(text))
        else:
            composer.insert(text)
        composer.focus()
        await self._set_parameters(conversation_id, template)

    async def _set_parameters(self, conversation_id: str, template: PromptTemplate) -> None:
        """Give the conversation the parameters that the template names, and say so."""
        path = await self._session.at(conversation_id)
        before = path.conversation.parameters
        after = with_template(before, template)
        if after == before:
            return
        await parameter_commands.set_parameters(self._session, conversation_id, after)
        asked = formatting.asked_name(after.model, after.effort)
        prompt = "" if after.system == before.system else ", with its own system prompt"
        line = clean_line(f"{template.name} asks {asked}{prompt}")
        self._composer.notify(line, timeout=6, markup=False)

    async def save(self) -> None:
        """Save the text of the composer as a template."""
        await self.save_text(self._composer.whole)

    async def save_text(self, text: str) -> None:
        """Ask for a name, and save a question as a template. Raises `Refused`."""
        from tui.ui.screens.line import LineScreen

        if not text.strip():
            raise Refused("Write the question first; then it can be saved as a template.")
        first = " ".join(text.split())[:40]
        name = await self._composer.app.push_screen_wait(
            LineScreen("Name of the template", value=name_for(first))
        )
        if not name:
            return
        template = PromptTemplate(name_for(name), template_text(text), title=name)
        try:
            path = await asyncio.to_thread(save_template, self._folder, template)
        except BadTemplate as error:
            raise Refused(str(error)) from None
        self._composer.notify(clean_line(f"Saved {path}"), timeout=6, markup=False)
