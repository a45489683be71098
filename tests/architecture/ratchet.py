"""The ratchet: figures of the last commit, in `ratchet.toml`, that may only get better.

A figure that is worse is explained by the places that grew since the commit that wrote the file;
without git, by its heaviest places.
"""

import io
import shutil
import subprocess
import tarfile
import tempfile
import tomllib
from collections.abc import Mapping
from pathlib import Path

from tests.architecture.figures import Figure
from tests.architecture.names import name_figures
from tests.architecture.nouns import noun_figures
from tests.architecture.prose import prose_figures
from tests.architecture.sizes import size_figures
from tests.architecture.source import FOLDERS, Module, read_checkout
from tests.architecture.structure import structure_figures

RATCHET = Path("tests/architecture/ratchet.toml")
MAX_SHOWN = 15
_HEADER = """\
# Figures that may only get lower; test_house.py compares the code with them.
# Write better ones with: python -m tests.architecture.measures --write
"""


def measure(modules: list[Module]) -> dict[str, Figure]:
    """Every figure that the ratchet holds; each is better when it is lower."""
    return {
        **size_figures(modules),
        **structure_figures(modules),
        **prose_figures(modules),
        **noun_figures(modules),
        **name_figures(modules),
    }


def read_ratchet(root: Path) -> dict[str, float]:
    """The figures of `ratchet.toml`; none when the file does not exist."""
    file = root / RATCHET
    return tomllib.loads(file.read_text(encoding="utf-8")) if file.exists() else {}


def write_ratchet(root: Path, figures: Mapping[str, Figure]) -> None:
    lines = [f"{name} = {figure.value:g}" for name, figure in figures.items()]
    (root / RATCHET).write_text(_HEADER + "\n".join(lines) + "\n", encoding="utf-8")


def worse(limits: Mapping[str, float], figures: Mapping[str, Figure]) -> list[str]:
    """Names of the figures above their limit. A figure without a limit is not worse."""
    return [
        name for name, figure in figures.items() if figure.value > limits.get(name, figure.value)
    ]


def grown(before: Mapping[str, float], after: Mapping[str, float]) -> list[str]:
    """Places whose weight grew, the one that grew most first, as `place: before -> after`."""
    growth = {place: after[place] - before.get(place, 0) for place in after}
    by_growth = sorted((place for place in after if growth[place] > 0), key=lambda p: -growth[p])
    return [f"{place}: {before.get(place, 0):g} -> {after[place]:g}" for place in by_growth]


def explain(name: str, limit: float, figure: Figure, before: Mapping[str, float]) -> str:
    """The message of a red figure: its value, its limit and the places that made it worse."""
    places = grown(before, figure.places)
    shown = [f"  {place}" for place in places[:MAX_SHOWN]]
    if len(places) > MAX_SHOWN:
        shown.append(f"  and {len(places) - MAX_SHOWN} more")
    return "\n".join([f"{name} is {figure.value:g}, the ratchet allows {limit:g}:", *shown])


def places_at_ratchet(root: Path, name: str) -> Mapping[str, float]:
    """Places of a figure at the commit that wrote the ratchet; none where git does not know it."""
    with tempfile.TemporaryDirectory() as folder:
        if not _extract_ratchet_commit(root, Path(folder)):
            return {}
        return measure(read_checkout(Path(folder)))[name].places


def _extract_ratchet_commit(root: Path, folder: Path) -> bool:
    commit = _git(root, "log", "-1", "--format=%H", "--", str(RATCHET)).decode().strip()
    archive = _git(root, "archive", commit, *FOLDERS) if commit else b""
    if archive:
        with tarfile.open(fileobj=io.BytesIO(archive)) as files:
            files.extractall(folder, filter="data")
    return bool(archive)


def _git(root: Path, *arguments: str) -> bytes:
    """The output of a git command; empty where git is missing or refuses."""
    if not (program := shutil.which("git")):
        return b""
    done = subprocess.run([program, *arguments], check=False, capture_output=True, cwd=root)
    return done.stdout
