"""Sizes of files and functions, and the cyclomatic complexity of functions."""

import ast
import statistics
from collections.abc import Mapping
from dataclasses import dataclass

from tests.architecture.figures import Figure, count, percentile_95
from tests.architecture.source import LAYERS, SCOPES, Module, in_layers, in_tests

MAX_FILE_LINES = 450
MAX_FUNCTION_LINES = 60
MAX_COMPLEXITY = 10

_BRANCHES = (ast.If, ast.IfExp, ast.For, ast.AsyncFor, ast.While, ast.ExceptHandler)


@dataclass(frozen=True)
class Spread:
    """Number, median, 95th percentile and maximum of some sizes in lines."""

    number: int
    median: float
    p95: int
    max: int


def spread(sizes: Mapping[str, float]) -> Spread:
    lines = [int(size) for size in sizes.values()]
    median = statistics.median(lines) if lines else 0
    return Spread(len(lines), median, percentile_95(lines), max(lines, default=0))


def file_lines(modules: list[Module]) -> dict[str, float]:
    return {module.path: module.lines for module in modules}


def function_lines(modules: list[Module]) -> dict[str, float]:
    """Lines from `def` to the last one, docstring included and decorators not."""
    return {
        place: (node.end_lineno or node.lineno) - node.lineno + 1
        for module in modules
        for place, node in module.functions.items()
    }


def complexity(function: ast.AST) -> int:
    """1, and 1 more for each branch, loop, handler, case, comprehension, filter, `and` and `or`.

    It is stricter than rule C901 of ruff, which counts no boolean operator, conditional expression
    or comprehension. A nested function counts by itself.
    """
    return 1 + sum(_added(node) for node in _inside(function))


def _inside(function: ast.AST) -> list[ast.AST]:
    found: list[ast.AST] = []
    waiting = list(ast.iter_child_nodes(function))
    while waiting:
        node = waiting.pop()
        if not isinstance(node, SCOPES):
            found.append(node)
            waiting.extend(ast.iter_child_nodes(node))
    return found


def _added(node: ast.AST) -> int:
    if isinstance(node, _BRANCHES):
        return 1
    if isinstance(node, ast.BoolOp):
        return len(node.values) - 1
    if isinstance(node, ast.comprehension):
        return 1 + len(node.ifs)
    return len(node.cases) if isinstance(node, ast.Match) else 0


def complexities(modules: list[Module]) -> dict[str, float]:
    return {
        place: complexity(node) for module in modules for place, node in module.functions.items()
    }


def over(sizes: Mapping[str, float], limit: int) -> dict[str, float]:
    return {place: size for place, size in sizes.items() if size > limit}


def size_figures(modules: list[Module]) -> dict[str, Figure]:
    code, tests = in_layers(modules), in_tests(modules)
    files, functions = file_lines(code), function_lines(code)
    return {
        "files_p95_lines": Figure(spread(files).p95, files),
        "files_max_lines": Figure(spread(files).max, files),
        "files_over_450_lines": count(over(files, MAX_FILE_LINES)),
        "functions_median_lines": Figure(spread(functions).median, functions),
        "functions_p95_lines": Figure(spread(functions).p95, functions),
        "functions_over_60_lines": count(over(functions, MAX_FUNCTION_LINES)),
        "functions_over_complexity_10": count(over(complexities(code), MAX_COMPLEXITY)),
        "test_files_over_450_lines": count(over(file_lines(tests), MAX_FILE_LINES)),
        "test_functions_over_60_lines": count(over(function_lines(tests), MAX_FUNCTION_LINES)),
    }


def size_table(modules: list[Module]) -> dict[str, dict[str, Spread]]:
    """For files and functions: the spread in each layer, in all layers and in the tests."""
    parts = {layer: [m for m in modules if m.layer == layer] for layer in LAYERS}
    parts |= {"all layers": in_layers(modules), "tests": in_tests(modules)}
    return {
        "files": {name: spread(file_lines(part)) for name, part in parts.items()},
        "functions": {name: spread(function_lines(part)) for name, part in parts.items()},
    }
