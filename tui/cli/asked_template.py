"""Fills in the prompt template that `ask -t` names."""

from __future__ import annotations

import argparse
from dataclasses import replace

from tui.cli.exit_codes import UsageError
from tui.config.prompt_files import BadTemplate, template_named
from tui.config.settings import Settings
from tui.domain.prompt_template import INPUT, CannotFill, PromptTemplate
from tui.text.sanitise import fix_surrogates


def ask_with(
    options: argparse.Namespace, settings: Settings, typed: str
) -> tuple[str, argparse.Namespace, Settings]:
    """Return the filled prompt, and the options and settings that its template chooses.

    An option that was typed beats the template's own. Raises `UsageError`.
    """
    if options.template is None:
        if options.values:
            raise UsageError("-p needs a template: name it with -t.")
        return typed, options, settings
    try:
        template = template_named(settings.prompts, options.template)
        values = {name: fix_surrogates(value) for name, value in options.values}
        prompt = _with_input(template, typed, values)
    except (BadTemplate, CannotFill) as error:
        raise UsageError(str(error)) from None
    chosen = argparse.Namespace(**vars(options))
    if chosen.system is None:
        chosen.system = template.system
    chosen.effort = chosen.effort or template.effort
    if template.model is not None and not settings.is_model_named:
        settings = replace(settings, model=template.model, is_model_named=True)
    return prompt, chosen, settings


def _with_input(template: PromptTemplate, typed: str, values: dict[str, str]) -> str:
    """Return the filled prompt; `typed` fills its `{{input}}`, or else follows it."""
    if INPUT in (argument.name for argument in template.arguments):
        return template.filled({INPUT: typed, **values} if typed else values)
    filled = template.filled(values)
    return f"{filled}\n\n{typed}" if typed else filled
