"""No figure of the code is worse than in `ratchet.toml`; each one is shown to turn red."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.architecture.hops import NOW, missing_steps
from tests.architecture.measures import ROOT, main
from tests.architecture.names import Ban, Name, read_bans
from tests.architecture.ratchet import (
    RATCHET,
    explain,
    measure,
    places_at_ratchet,
    read_ratchet,
    worse,
)
from tests.architecture.source import in_layers, read_checkout

LIMITS = read_ratchet(ROOT)
BANS = read_bans()

SMALL_CHECKOUT = {
    "domain/first.py": '"""First goods."""\n\nimport domain.second\n\n\nclass First: ...\n',
    "domain/second.py": '"""Second goods."""\n\n\ndef second():\n    return 2\n',
    "service/first.py": '"""Use cases."""\n',
    "adapters/http/first.py": '"""Routes."""\n\n\nclass Firsts(Controller): ...\n',
    "adapters/postgres/first.py": '"""Rows."""\n\n\nclass PostgresFirsts: ...\n',
    "tests/test_first.py": '"""Claims."""\n',
    "tests/test_second.py": '"""More claims."""\n',
}

LONG_FUNCTION = "\n\ndef long():\n" + "    call()\n" * 61
MANY_LINES = "# line\n" * 460

# For each figure: a file, the text that is added to it, and the place that the message names.
BREAKS = {
    "files_p95_lines": ("domain/second.py", MANY_LINES, "domain/second.py: 5 -> 465"),
    "files_max_lines": ("domain/second.py", MANY_LINES, "domain/second.py: 5 -> 465"),
    "files_over_450_lines": ("domain/second.py", MANY_LINES, "domain/second.py: 0 -> 465"),
    "functions_median_lines": ("domain/first.py", LONG_FUNCTION, "domain/first.py:long: 0 -> 62"),
    "functions_p95_lines": ("domain/first.py", LONG_FUNCTION, "domain/first.py:long: 0 -> 62"),
    "functions_over_60_lines": ("domain/first.py", LONG_FUNCTION, "domain/first.py:long: 0 -> 62"),
    "functions_over_complexity_10": (
        "service/first.py",
        "\n\ndef branches(x):\n    return " + " and ".join(["x"] * 11) + "\n",
        "service/first.py:branches: 0 -> 11",
    ),
    "test_files_over_450_lines": ("tests/test_first.py", MANY_LINES, "tests/test_first.py"),
    "test_functions_over_60_lines": (
        "tests/test_first.py",
        LONG_FUNCTION,
        "tests/test_first.py:long: 0 -> 62",
    ),
    "packages_in_cycles": (
        "domain/second.py",
        "\nfrom domain.first import First\n",
        "domain.first <-> domain.second",
    ),
    "classes_of_one_name_in_a_layer": (
        "domain/second.py",
        "\n\nclass First: ...\n",
        "domain: First in domain/first.py, domain/second.py",
    ),
    "test_modules_that_import_tests": (
        "tests/test_second.py",
        "\nfrom tests.test_first import claim\n",
        "tests/test_second.py: 0 -> 1",
    ),
    "counted_words_per_1000": (
        "service/first.py",
        '\n\ndef wordy():\n    """Returns what somebody said."""\n',
        "service/first.py: 0 -> 3",
    ),
    "docstrings_that_begin_with_what": (
        "service/first.py",
        '\nLIMIT = 3\n"""What one order takes."""\n',
        "service/first.py: What one order takes.: 0 -> 1",
    ),
    "controllers_with_uneven_noun": (
        "adapters/http/first.py",
        "\n\nclass Gifts(Controller): ...\n",
        "gift (not in domain, service, adapters/http, adapters/postgres)",
    ),
    "banned_names": (
        "domain/second.py",
        "\n\nclass Shelf: ...\n",
        "domain/second.py: class Shelf -> StockLevel",
    ),
}


@pytest.fixture(scope="module")
def figures():
    return measure(read_checkout(ROOT))


@pytest.fixture
def checkout(tmp_path):
    """A checkout of a few lines, with its ratchet written."""
    for path, text in SMALL_CHECKOUT.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    (tmp_path / RATCHET).parent.mkdir(parents=True)
    assert main([str(tmp_path), "--write"]) == 0
    return tmp_path


def add(checkout: Path, path: str, text: str) -> None:
    with (checkout / path).open("a") as file:
        file.write(text)


@pytest.mark.parametrize("name", LIMITS)
def test_no_figure_is_worse_than_in_the_ratchet(figures, name):
    if worse({name: LIMITS[name]}, {name: figures[name]}):
        before = places_at_ratchet(ROOT, name)
        pytest.fail(explain(name, LIMITS[name], figures[name], before), pytrace=False)


def test_the_ratchet_holds_every_figure(figures):
    assert set(LIMITS) == set(figures)


def test_every_figure_is_shown_to_turn_red(figures):
    assert set(BREAKS) == set(figures)


@pytest.mark.parametrize("name", BREAKS)
def test_a_worse_figure_names_the_place_that_made_it_worse(checkout, name):
    path, text, place = BREAKS[name]
    before = measure(read_checkout(checkout))
    assert worse(read_ratchet(checkout), before) == []

    add(checkout, path, text)

    after = measure(read_checkout(checkout))
    assert name in worse(read_ratchet(checkout), after)
    assert place in explain(name, before[name].value, after[name], before[name].places)


def test_each_step_of_a_way_counted_by_hand_is_a_function():
    code = in_layers(read_checkout(ROOT))
    functions = {place.split(":")[1] for module in code for place in module.functions}
    assert missing_steps(NOW, functions) == []
    assert missing_steps({"a way": ("main", "no_step", "main")}, {"main"}) == ["no_step"]


def test_a_smaller_figure_is_not_worse(checkout):
    before = read_ratchet(checkout)
    (checkout / "domain/second.py").write_text("")

    assert worse(before, measure(read_checkout(checkout))) == []


@pytest.mark.skipif(not shutil.which("git"), reason="needs git")
def test_a_message_names_only_what_grew_since_the_ratchet_was_written(checkout):
    add(checkout, "domain/second.py", "\n\nclass Shelf: ...\n")
    assert main([str(checkout), "--write", "--force"]) == 0
    commit(checkout)
    add(checkout, "domain/first.py", "\n\nclass Visit: ...\n")

    before = places_at_ratchet(checkout, "banned_names")
    after = measure(read_checkout(checkout))["banned_names"]
    assert explain("banned_names", 1, after, before).splitlines() == [
        "banned_names is 2, the ratchet allows 1:",
        "  domain/first.py: class Visit -> RequestContext: 0 -> 1",
    ]


def commit(checkout: Path) -> None:
    me = ["-c", "user.name=Test", "-c", "user.email=test@example.com"]
    for arguments in (["init", "-q"], ["add", "."], [*me, "commit", "-q", "-m", "small"]):
        subprocess.run(["git", *arguments], check=True, cwd=checkout)


def test_worse_figures_are_written_only_by_force(checkout, capsys):
    written = (checkout / RATCHET).read_text()
    add(checkout, "domain/second.py", "\n\nclass Shelf: ...\n")

    assert main([str(checkout), "--write"]) == 1
    assert "banned_names is 1, was 0" in capsys.readouterr().err
    assert (checkout / RATCHET).read_text() == written

    assert main([str(checkout), "--write", "--force"]) == 0
    assert read_ratchet(checkout)["banned_names"] == 1


def test_better_figures_are_written(checkout):
    add(checkout, "domain/second.py", "\n\nclass Shelf: ...\n")
    main([str(checkout), "--write", "--force"])
    (checkout / "domain/second.py").write_text(SMALL_CHECKOUT["domain/second.py"])

    assert main([str(checkout), "--write"]) == 0
    assert read_ratchet(checkout)["banned_names"] == 0


def test_the_report_is_the_same_as_json_and_as_a_table(checkout, capsys):
    main([str(checkout), "--json"])
    report = json.loads(capsys.readouterr().out)
    main([str(checkout)])
    table = capsys.readouterr().out

    assert report["controllers"]["same_in_every_layer"] == ["first"]
    assert "nouns the same in every layer: 1 of 1: first" in table
    for name, value in report["figures"].items():
        assert f"{name:<40}{value:>8g}" in table


def sample(ban: Ban, kind: str) -> Name:
    """A name that the ban is about, at a path where it counts."""
    return Name(kind, ban.name.replace("*", "some"), ban.only.replace("*", "some"))


def test_a_banned_name_is_found_in_each_of_its_kinds():
    samples = [sample(ban, kind) for ban in BANS.bans for kind in ban.kinds]
    assert [name for name in samples if not BANS.find(name)] == []


def test_a_replacement_is_not_banned_itself():
    found = [
        Name(kind, ban.use.split()[0].rstrip(",;:").replace("*", "some"), "domain/x.py")
        for ban in BANS.bans
        for kind in ban.kinds
    ]
    assert [name for name in found if BANS.find(name)] == []


@pytest.mark.parametrize(
    ("kind", "name", "path"),
    [
        ("class", "Parcel", "domain/fulfilment/shipments.py"),
        ("class", "Receipt", "domain/pos/receipts.py"),
        ("class", "PostalLetter", "domain/contact/channels.py"),
        ("function", "house_number", "domain/kernel/addresses.py"),
        ("function", "window", "adapters/postgres/inventory/repository.py"),
        ("field", "groups", "adapters/http/orders/views.py"),
        ("field", "warehouse", "domain/stores/stores.py"),
        ("function", "follow_redirects", "adapters/webhooks/sender.py"),
        ("function", "intellisense", "adapters/cli/options.py"),
    ],
)
def test_words_of_the_field_are_left_alone(kind, name, path):
    assert BANS.find(Name(kind, name, path)) is None
