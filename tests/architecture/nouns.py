"""Controllers whose noun is the same in every layer.

The noun of a controller is the name of its class in the singular, without the suffix `Controller`
and without the scope it begins with: `MyOrders` and `StoreOrders` both have the noun `order`, which
counts once. The noun is the same in every layer where it names

- in `domain`, a module or folder, and a class;
- in `service`, a module or folder, or a class in `ports.py`;
- in `adapters/http`, a module or folder, or a controller in `controllers.py`;
- in `adapters/postgres`, a class (without the prefix `Postgres`), and a module or folder unless the
  class is in `repository.py`.

Commit 857a901 has 12 of 39. A weaker count takes a module, a folder or a class in each layer.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.architecture.figures import Figure, count
from tests.architecture.source import Module, words_of

PARTS = ("domain", "service", "adapters/http", "adapters/postgres")
SLOTS = frozenset({"ports", "controllers", "repository"})
_SCOPES = frozenset({"my", "store", "order", "cart"})


@dataclass(frozen=True)
class Names:
    """Nouns that a part of the code uses for modules and folders, for classes, and in slots."""

    modules: set[str] = field(default_factory=set)
    classes: set[str] = field(default_factory=set)
    in_slots: set[str] = field(default_factory=set)


def singular(word: str) -> str:
    if word.endswith("ies"):
        return word.removesuffix("ies") + "y"
    return word if word.endswith("ss") else word.removesuffix("s")


def noun_of(identifier: str) -> str:
    *first, last = words_of(identifier) or ("",)
    return "_".join([*first, singular(last)])


def controller_noun(name: str) -> str:
    words = words_of(name)
    if len(words) > 1 and singular(words[-1]) == "controller":
        words = words[:-1]
    if len(words) > 1 and words[0] in _SCOPES:
        words = words[1:]
    return noun_of("_".join(words))


def is_controller(node: ast.ClassDef) -> bool:
    return any(ast.unparse(base).rsplit(".", 1)[-1] == "Controller" for base in node.bases)


def controllers(modules: list[Module]) -> Iterator[ast.ClassDef]:
    for module in modules:
        if module.path.startswith("adapters/http/"):
            yield from filter(is_controller, module.classes())


def names_of(modules: list[Module], part: str) -> Names:
    names = Names()
    for module in modules:
        if module.path.startswith(f"{part}/"):
            below = module.path.removeprefix(f"{part}/").removesuffix(".py").split("/")
            names.modules.update(noun_of(name) for name in below if name != "__init__")
            nouns = {_class_noun(node) for node in module.classes()}
            names.classes.update(nouns)
            names.in_slots.update(nouns if module.stem in SLOTS else ())
    return names


def _class_noun(node: ast.ClassDef) -> str:
    if is_controller(node):
        return controller_noun(node.name)
    return noun_of(node.name.removeprefix("Postgres"))


def has_noun(part: str, names: Names, noun: str) -> bool:
    named, classed = noun in names.modules, noun in names.classes
    if part == "domain":
        return named and classed
    if part == "adapters/postgres":
        return classed and (named or noun in names.in_slots)
    return named or noun in names.in_slots


def nouns(modules: list[Module]) -> dict[str, list[str]]:
    """For each noun of a controller the parts of the code that do not have it."""
    names = {part: names_of(modules, part) for part in PARTS}
    found = sorted({controller_noun(node.name) for node in controllers(modules)})
    return {
        noun: [part for part in PARTS if not has_noun(part, names[part], noun)] for noun in found
    }


def named_anyhow(modules: list[Module]) -> list[str]:
    """Nouns that every part uses for a module, a folder or a class."""
    names = [names_of(modules, part) for part in PARTS]
    return [noun for noun in nouns(modules) if all(noun in n.modules | n.classes for n in names)]


def noun_figures(modules: list[Module]) -> dict[str, Figure]:
    uneven = {
        f"{noun} (not in {', '.join(missing)})": 1.0
        for noun, missing in nouns(modules).items()
        if missing
    }
    return {"controllers_with_uneven_noun": count(uneven)}
