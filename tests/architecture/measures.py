"""Measures a checkout: sizes, cycles, words and names, as a table or as JSON.

    python -m tests.architecture.measures [PATH] [--json] [--write [--force]]

PATH is any checkout with the folders domain, service, adapters and tests; without it, this one.
Files are only read, never imported. `--write` renews `ratchet.toml` of the checkout with better
figures; worse ones need `--force`.
"""

import argparse
import dataclasses
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.architecture import hops, nouns, prose, sizes
from tests.architecture.figures import Figure
from tests.architecture.ratchet import measure, read_ratchet, worse, write_ratchet
from tests.architecture.source import Module, in_layers, in_tests, read_checkout

ROOT = Path(__file__).parents[2]

_LISTED = (
    "functions_over_60_lines",
    "functions_over_complexity_10",
    "files_over_450_lines",
    "test_files_over_450_lines",
    "test_functions_over_60_lines",
    "packages_in_cycles",
    "classes_of_one_name_in_a_layer",
    "controllers_with_uneven_noun",
)


def report(modules: list[Module], figures: dict[str, Figure]) -> dict[str, Any]:
    """Everything that is measured, as JSON can carry it."""
    code, by_noun = in_layers(modules), nouns.nouns(modules)
    return {
        "sizes": {
            what: {name: dataclasses.asdict(spread) for name, spread in rows.items()}
            for what, rows in sizes.size_table(modules).items()
        },
        "figures": {name: figure.value for name, figure in figures.items()},
        "words": {
            "docstring_words": prose.number_of_words(code),
            "counted": dict(prose.counted_words(code).most_common()),
        },
        "controllers": {
            "nouns": len(by_noun),
            "same_in_every_layer": [noun for noun, missing in by_noun.items() if not missing],
            "named_anyhow": nouns.named_anyhow(modules),
        },
        "tests": {"modules": len(in_tests(modules))},
        "hops": {"at 857a901": hops.BEFORE, "now": hops.NOW},
        "places": {name: dict(figures[name].places) for name in _LISTED},
    }


def table(measured: dict[str, Any]) -> Iterator[str]:
    """The lines of the printed table."""
    for what, rows in measured["sizes"].items():
        yield f"{what:<12}{'number':>8}{'median':>8}{'p95':>6}{'max':>6}   (lines)"
        for name, row in rows.items():
            yield f"  {name:<10}{row['number']:>8}{row['median']:>8g}{row['p95']:>6}{row['max']:>6}"
    yield ""
    yield from (f"{name:<40}{value:>8g}" for name, value in measured["figures"].items())
    yield ""
    yield from _shares(measured)
    for name, places in measured["places"].items():
        yield f"\n{name}: {len(places)}"
        yield from (f"  {place}: {weight:g}" for place, weight in places.items())


def _shares(measured: dict[str, Any]) -> Iterator[str]:
    words, controllers = measured["words"], measured["controllers"]
    counted = ", ".join(f"{word} {number}" for word, number in words["counted"].items())
    same = controllers["same_in_every_layer"]
    yield f"docstring words: {words['docstring_words']}; counted: {counted}"
    yield f"nouns the same in every layer: {len(same)} of {controllers['nouns']}: {', '.join(same)}"
    anyhow = controllers["named_anyhow"]
    yield f"nouns of a module, folder or class in every layer: {len(anyhow)}: {', '.join(anyhow)}"
    importers = measured["figures"]["test_modules_that_import_tests"]
    yield f"test modules that import tests: {importers:g} of {measured['tests']['modules']}"
    for when, ways in measured["hops"].items():
        for way, steps in ways.items():
            yield f"hops of {way} {when}: {hops.hops(steps)}: {' -> '.join(steps)}"


def write(root: Path, figures: dict[str, Figure], *, force: bool) -> int:
    """Renews the ratchet and returns the exit code: 1 where figures are worse and not forced."""
    limits = read_ratchet(root)
    if (names := worse(limits, figures)) and not force:
        for name in names:
            sys.stderr.write(f"{name} is {figures[name].value:g}, was {limits[name]:g}\n")
        sys.stderr.write("Nothing is written. --force writes worse figures.\n")
        return 1
    write_ratchet(root, figures)
    return 0


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.architecture.measures")
    parser.add_argument("path", nargs="?", type=Path, default=ROOT)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument(
        "--write", action="store_true", help="renew ratchet.toml with better figures"
    )
    parser.add_argument("--force", action="store_true", help="with --write: write worse ones too")
    options = parser.parse_args(arguments)
    modules = read_checkout(options.path)
    figures = measure(modules)
    if options.write:
        return write(options.path, figures, force=options.force)
    measured = report(modules, figures)
    text = json.dumps(measured, indent=2) if options.json else "\n".join(table(measured))
    sys.stdout.write(f"{text}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
