"""`prompts`: lists the prompt templates, and imports those of other programs."""

from __future__ import annotations

import argparse
from pathlib import Path

from tui.cli.exit_codes import DONE, FAILED, CommandFailed
from tui.cli.output import print_json, say, shown, tell
from tui.config.prompt_files import BadTemplate, read_templates, save_template
from tui.config.prompt_import import files_to_import, import_template
from tui.config.settings import Settings
from tui.domain.prompt_template import PromptTemplate
from tui.text.sanitise import clean_line


def prompts(options: argparse.Namespace, settings: Settings) -> int:
    """List the templates, or import some, and return the exit code."""
    if options.action == "import":
        return _import(settings.prompts, options.paths)
    return _list(settings.prompts, is_json=options.json)


def _list(folder: Path, *, is_json: bool) -> int:
    found = read_templates(folder)
    for problem in found.problems:
        tell(problem)
    if is_json:
        print_json([_row(template) for template in found.by_name.values()])
    elif not found.by_name:
        say(f"There are no prompt templates yet. They are files in {folder}.")
    else:
        width = max(map(len, found.by_name))
        for template in found.by_name.values():
            print(shown(_line(template, width), is_raw=False))
    return DONE


def _row(template: PromptTemplate) -> dict[str, object]:
    return {
        "name": template.name,
        "title": template.title,
        "description": template.description,
        "model": template.model,
        "effort": template.effort,
        "system": template.system,
        "arguments": {each.name: each.default for each in template.arguments},
        "text": template.text,
    }


def _line(template: PromptTemplate, width: int) -> str:
    arguments = " ".join(
        each.name if each.default is None else f"[{each.name}]" for each in template.arguments
    )
    what = template.description or template.title
    parts = (clean_line(template.name).ljust(width), clean_line(what), clean_line(arguments))
    return "  ".join(part for part in parts if part).rstrip()


def _import(folder: Path, paths: list[Path]) -> int:
    imported, failed = 0, 0
    for path in paths:
        try:
            files = files_to_import(path)
        except BadTemplate as error:
            raise CommandFailed(str(error)) from None
        if not files:
            tell(f"{path} holds no templates: no .md, .yaml or .yml file.")
            failed += 1
        root = path if path.is_dir() else None
        for file in files:
            try:
                save_template(folder, import_template(file, root=root))
            except BadTemplate as error:
                tell(str(error))
                failed += 1
            else:
                imported += 1
    print(f"Imported {imported} into {folder}.")
    return FAILED if failed and not imported else DONE
