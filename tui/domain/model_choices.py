"""Lists the models that a user can choose, and searches them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tui.domain.model import Model
from tui.domain.normalise import normalise

_LONGEST = 200
"""At most so many characters of a name and of an id are searched."""


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """A model that the user can choose."""

    model: Model
    words: str
    """Its name and its id, normalised for the search."""
    is_recent: bool = False
    """Whether recent conversations used it."""
    is_listed: bool = True
    """Whether the endpoint lists it. If not, the endpoint may still have it."""


def choice_of(model_id: str, *, is_recent: bool = False) -> ModelChoice:
    """Return the choice of a model that the endpoint does not list."""
    return _choice(Model({"id": model_id}), is_recent=is_recent, is_listed=False)


def choices_of(
    models: Iterable[Model], recent: Sequence[str], present: str
) -> list[ModelChoice]:
    """Return the choices: recent models first, then the others in the endpoint's order.

    The present model is always included. If the endpoint lists any models, other recent
    models are included only if it lists them.
    """
    listed = {model.id: model for model in models}
    first = [each for each in recent if each in listed or not listed]
    if present not in first:
        first.insert(0, present)
    return [
        _choice(listed[each], is_recent=True)
        if each in listed
        else choice_of(each, is_recent=True)
        for each in dict.fromkeys(first)
    ] + [_choice(model) for model_id, model in listed.items() if model_id not in first]


def _choice(model: Model, *, is_recent: bool = False, is_listed: bool = True) -> ModelChoice:
    words = normalise(f"{model.name[:_LONGEST]} {model.id[:_LONGEST]}")
    return ModelChoice(model, words, is_recent, is_listed)


def matching(choices: Sequence[ModelChoice], typed: str) -> list[ModelChoice]:
    """Return the matching choices, the best first, and then the typed text as an id.

    The name or the id must contain each word, or its letters in this order.
    """
    words = normalise(typed).split()
    scored = [(_score(each.words, words), at) for at, each in enumerate(choices)]
    found = [choices[at] for score, at in sorted(each for each in scored if each[0] >= 0)]
    model_id = typed.strip()
    if model_id and all(each.model.id != model_id for each in choices):
        found.append(choice_of(model_id))
    return found


def _score(text: str, words: Sequence[str]) -> int:
    """Return how badly a text matches; -1 if it does not."""
    total = 0
    for word in words:
        at = text.find(word)
        if at >= 0:
            total += 0 if at == 0 or not text[at - 1].isalnum() else 1
            continue
        letters = iter(text)
        if not all(letter in letters for letter in word):
            return -1
        total += 10
    return total
