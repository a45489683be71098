"""Cycles among packages, class names used twice, and test modules that import one another."""

import ast
from collections import defaultdict
from collections.abc import Iterator

from tests.architecture.figures import Figure, count, total
from tests.architecture.source import Module, in_layers, in_tests

WIRING = frozenset({
    "service.ports.unit",
    "service.shared.unit_of_work",
    "service.reactions",
    "service.administration.reactions",
    "adapters.http.app",
    "adapters.http.web.app",
    "adapters.postgres.unit",
    "adapters.postgres.db.unit_of_work",
    "adapters.postgres.db.repositories",
    "adapters.postgres.db.tables",
    "adapters.main",
})  # fmt: skip
"""Modules that wire every context together; their own imports count for no cycle."""
_DEEP = ("adapters.http", "adapters.postgres")


def package_of(dotted: str) -> str:
    """The context's folder in its layer; a module outside any folder is its own package."""
    deep = dotted.startswith(tuple(f"{folder}." for folder in _DEEP))
    return ".".join(dotted.split(".")[: 3 if deep else 2])


def imports(module: Module, known: set[str]) -> Iterator[str]:
    """Known modules that a module imports, anywhere in its text."""
    for node in module.nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom):
            base = _base(module, node)
            names = {f"{base}.{alias.name}" for alias in node.names} & known
            yield from names or {base} & known


def _base(module: Module, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    above = module.path.split("/")[: -node.level]
    return ".".join([*above, *([node.module] if node.module else [])])


def package_graph(modules: list[Module]) -> dict[str, set[str]]:
    known = {module.dotted for module in modules}
    graph: dict[str, set[str]] = defaultdict(set)
    for module in modules:
        if module.dotted not in WIRING and "." in module.dotted:
            source = package_of(module.dotted)
            targets = {package_of(name) for name in imports(module, known) if "." in name}
            graph[source] |= targets - {source}
    return graph


def package_cycles(modules: list[Module]) -> dict[str, float]:
    """Strongly connected packages, `a <-> b`, weighted by the number of their packages."""
    graph = package_graph(modules)
    reached = {package: _reachable(graph, package) for package in graph}
    groups = {
        tuple(sorted({one} | {other for other in reached[one] if one in reached.get(other, ())}))
        for one in graph
        if one in reached[one]
    }
    return {" <-> ".join(group): len(group) for group in sorted(groups)}


def _reachable(graph: dict[str, set[str]], start: str) -> set[str]:
    found: set[str] = set()
    waiting = list(graph[start])
    while waiting:
        if (package := waiting.pop()) not in found:
            found.add(package)
            waiting.extend(graph.get(package, ()))
    return found


def duplicate_classes(modules: list[Module]) -> dict[str, float]:
    """Top-level classes whose name several modules of a layer use, with these modules."""
    homes: dict[str, list[str]] = defaultdict(list)
    for module in modules:
        for node in module.classes():
            homes[f"{module.layer}: {node.name}"].append(module.path)
    return {
        f"{name} in {', '.join(sorted(set(paths)))}": len(set(paths))
        for name, paths in sorted(homes.items())
        if len(set(paths)) > 1
    }


def importers_of_tests(modules: list[Module]) -> dict[str, float]:
    """Modules below `tests` that import a module named `test_*`, weighted by how many."""
    known = {module.dotted for module in modules}
    found = {
        module.path: len({name for name in imports(module, known) if _is_test(name)})
        for module in modules
    }
    return {path: number for path, number in found.items() if number}


def _is_test(dotted: str) -> bool:
    return dotted.rsplit(".", 1)[-1].startswith("test_")


def structure_figures(modules: list[Module]) -> dict[str, Figure]:
    code = in_layers(modules)
    return {
        "packages_in_cycles": total(package_cycles(code)),
        "classes_of_one_name_in_a_layer": count(duplicate_classes(code)),
        "test_modules_that_import_tests": count(importers_of_tests(in_tests(modules))),
    }
