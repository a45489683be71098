"""Python files of a checkout, read as text and syntax trees; nothing of it is imported."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

LAYERS = ("domain", "service", "adapters")
FOLDERS = (*LAYERS, "tests")

Function = ast.FunctionDef | ast.AsyncFunctionDef
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
SCOPES = (*FUNCTIONS, ast.ClassDef)


@dataclass(frozen=True)
class Module:
    """One file. `path` is relative to the checkout, with slashes."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.path)

    @property
    def layer(self) -> str:
        return self.path.split("/", 1)[0]

    @property
    def dotted(self) -> str:
        return self.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    @property
    def stem(self) -> str:
        return self.dotted.rsplit(".", 1)[-1]

    @property
    def lines(self) -> int:
        return self.text.count("\n")

    def classes(self) -> Iterator[ast.ClassDef]:
        """Classes at the top level."""
        return (node for node in self.tree.body if isinstance(node, ast.ClassDef))

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """Every node of the tree."""
        return list(ast.walk(self.tree))

    @cached_property
    def functions(self) -> dict[str, Function]:
        """Every function and method by its place: `path:Class.method`."""
        return {
            f"{self.path}:{name}": node
            for name, node in _scopes(self.tree, "")
            if isinstance(node, FUNCTIONS)
        }


def _scopes(node: ast.AST, prefix: str) -> Iterator[tuple[str, ast.AST]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, SCOPES):
            yield prefix + child.name, child
            yield from _scopes(child, f"{prefix}{child.name}.")
        else:
            yield from _scopes(child, prefix)


def read_checkout(root: Path) -> list[Module]:
    """The layers and the tests of a checkout, in the order of their paths.

    Raises:
        FileNotFoundError: the folder has no layers.
    """
    if not all((root / layer).is_dir() for layer in LAYERS):
        raise FileNotFoundError(f"{root} has no folders {', '.join(LAYERS)}.")
    return [
        Module(file.relative_to(root).as_posix(), file.read_text(encoding="utf-8"))
        for folder in FOLDERS
        for file in sorted((root / folder).rglob("*.py"))
    ]


def in_layers(modules: list[Module]) -> list[Module]:
    return [module for module in modules if module.layer in LAYERS]


def in_tests(modules: list[Module]) -> list[Module]:
    return [module for module in modules if module.layer == "tests"]


@cache
def words_of(identifier: str) -> tuple[str, ...]:
    """Lower-case words of an identifier: `HTTPStatus_of` gives http, status, of."""
    spaced = re.sub(r"([a-z0-9])([A-Z])|([A-Z])(?=[A-Z][a-z])", r"\1\3_\2", identifier)
    return tuple(word.lower() for word in spaced.split("_") if word)
