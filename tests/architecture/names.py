"""Names that a checkout defines, and those of them that `banned_words.toml` bans."""

import ast
import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from tests.architecture.figures import Figure, total
from tests.architecture.source import FUNCTIONS, LAYERS, Module, words_of

BANNED_WORDS = Path(__file__).with_name("banned_words.toml")
KINDS = frozenset({
    "module", "test_module", "class", "function", "field", "table",
    "setting", "metric", "operation", "code", "value",
})  # fmt: skip


@dataclass(frozen=True)
class Name:
    """A name and the file that defines it; a package's file is its `__init__.py`."""

    kind: str
    text: str
    path: str


@dataclass(frozen=True)
class Ban:
    """One entry of `banned_words.toml`."""

    name: str
    use: str
    kinds: frozenset[str]
    by_word: bool = False
    only: str = "*"

    def matches(self, name: Name) -> bool:
        if name.kind not in self.kinds or not fnmatchcase(name.path, self.only):
            return False
        if self.by_word:
            return holds_words(name.text, self.name)
        return fnmatchcase(name.text.lstrip("_"), self.name)


@dataclass(frozen=True)
class BanList:
    bans: tuple[Ban, ...]
    exceptions: tuple[str, ...]

    def find(self, name: Name) -> Ban | None:
        """The first ban of a name; none where an exception allows it."""
        found = next((ban for ban in self.bans if ban.matches(name)), None)
        allowed = found and any(holds_words(name.text, words) for words in self.exceptions)
        return None if allowed else found


def holds_words(identifier: str, wanted: str) -> bool:
    """Whether the words of one name follow each other in another one."""
    return f"_{'_'.join(words_of(wanted))}_" in f"_{'_'.join(words_of(identifier))}_"


def read_bans(path: Path = BANNED_WORDS) -> BanList:
    entries = tomllib.loads(path.read_text(encoding="utf-8"))
    return BanList(
        tuple(_ban(entry) for entry in entries["banned"]),
        tuple(entry["words"] for entry in entries["exception"]),
    )


def _ban(entry: dict[str, Any]) -> Ban:
    kinds = frozenset(entry["kinds"])
    if not kinds or not kinds <= KINDS:
        raise ValueError(f"{entry['name']}: kinds are {', '.join(sorted(KINDS))}.")
    by_word = entry.get("match") == "word"
    return Ban(entry["name"], entry["use"], kinds, by_word, entry.get("only", "*"))


def names(module: Module) -> Iterator[Name]:
    """Every name that a module defines; of tests only the module's own."""
    if module.layer not in LAYERS:
        yield Name("test_module", module.stem, module.path)
        return
    yield Name("module", module.stem, module.path)
    for node in module.nodes:
        for kind, text in _defined(node, module):
            yield Name(kind, text, module.path)


def _defined(node: ast.AST, module: Module) -> Iterator[tuple[str, str]]:
    if isinstance(node, ast.ClassDef):
        yield "class", node.name
        yield from _fields(node, module)
    elif isinstance(node, FUNCTIONS):
        yield "function", node.name
    elif isinstance(node, ast.Call):
        yield from _arguments(node)
    elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "code":
        yield from _constants("code", node.value)
    elif isinstance(node, ast.Constant):
        yield from _strings(node)


def _fields(node: ast.ClassDef, module: Module) -> Iterator[tuple[str, str]]:
    for line in node.body:
        if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name):
            yield "field", line.target.id
            if module.path == "adapters/settings.py":
                yield "setting", f"HYLLA_{line.target.id.upper()}"


def _arguments(node: ast.Call) -> Iterator[tuple[str, str]]:
    if ast.unparse(node.func).rsplit(".", 1)[-1] == "Table" and node.args:
        yield from _constants("table", node.args[0])
    for keyword in node.keywords:
        if keyword.arg == "operation_id":
            yield from _constants("operation", keyword.value)
        elif keyword.arg == "code":
            yield from _constants("code", keyword.value)


def _constants(kind: str, node: ast.AST) -> Iterator[tuple[str, str]]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield kind, node.value


def _strings(node: ast.Constant) -> Iterator[tuple[str, str]]:
    if isinstance(node.value, str):
        yield "value", node.value
        if re.fullmatch(r"hylla_\w+", node.value):
            yield "metric", node.value


def banned_names(modules: list[Module], bans: BanList) -> Counter[str]:
    """Definitions of banned names, each with its place and its replacement."""
    return Counter(
        f"{name.path}: {name.kind} {name.text} -> {ban.use}"
        for module in modules
        for name in names(module)
        if (ban := bans.find(name))
    )


def name_figures(modules: list[Module]) -> dict[str, Figure]:
    return {"banned_names": total(banned_names(modules, read_bans()))}
