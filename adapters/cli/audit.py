"""`hylla audit`: whether the figures of the shop agree with their ledgers."""

import sys
from functools import partial
from pathlib import Path
from typing import Final

import msgspec
import rich_click as click
from msgspec import Struct
from rich.console import Console
from rich.table import Table

from adapters.cli.components import run_with_components
from adapters.cli.options import (
    ensure_data_folder,
    load_settings,
    shared_options,
    with_migrated_database,
)
from adapters.main import Components
from domain.administration.audit import BrokenRow, Invariant, InvariantFindings, Repair
from service.shared.retry import retry_on_conflict
from service.shared.unit_of_work import Units

MAX_SHOWN: Final = 20


class AuditOutput(Struct, frozen=True, omit_defaults=True):
    """The output of `--json`: the findings, and the repairs made before them.

    With `dry_run` nothing was changed: `repaired` lists the figures that a repair would set.
    """

    ok: bool
    invariants: list[Invariant]
    repaired: list[Repair] = []
    dry_run: bool = False


@click.command("audit")
@click.option("--repair", is_flag=True, help="Set broken figures to the sums of their ledgers.")
@click.option("--dry-run", is_flag=True, help="With --repair: show what it would set, only.")
@shared_options
def command(
    data: Path | None, database_url: str | None, as_json: bool, repair: bool, dry_run: bool
) -> None:
    """Compare every figure with the sum of its ledger.

    The shop may stay open. A broken figure is reported with its expected and its actual value, and
    the exit status is 1. `--repair` sets the figures of stock and of points to the sums of their
    ledgers, and records each repair; then the audit runs again. An invariant that takes longer than
    HYLLA_AUDIT_TIMEOUT_SECONDS is unfinished, and the exit status is 1 too. `--repair --dry-run`
    lists each figure that it would set, and changes nothing.

    Example: `hylla audit --data ./shop --repair`
    """
    if dry_run and not repair:
        raise click.UsageError("--dry-run shows what --repair would set: give both.")
    wanted = load_settings(data, database_url, derives=False)
    ensure_data_folder(wanted)
    with with_migrated_database(wanted) as settings:
        answer = run_with_components(settings, partial(run_audit, repair=repair, dry_run=dry_run))
    if as_json:
        click.echo(msgspec.json.encode(answer))
    else:
        _print_report(answer)
    sys.exit(0 if answer.ok else 1)


async def run_audit(house: Components, *, repair: bool, dry_run: bool = False) -> AuditOutput:
    """Look, repair when asked to and needed, and look again; a rehearsal changes nothing."""
    findings = await _check_invariants(house.units)
    repaired: list[Repair] = []
    if dry_run and not findings.ok:
        repaired = await _dry_run(house.units)
    elif repair and not findings.ok:
        repaired = await _repair(house.units)
        findings = await _check_invariants(house.units)
    return AuditOutput(findings.ok, findings.invariants, repaired, dry_run)


@retry_on_conflict
async def _repair(units: Units) -> list[Repair]:
    async with units.begin() as unit:
        return await unit.administration.audit.repair()


@retry_on_conflict
async def _dry_run(units: Units) -> list[Repair]:
    async with units.begin() as unit:
        return await unit.administration.audit.plan_repairs()


async def _check_invariants(units: Units) -> InvariantFindings:
    async with units.read() as unit:
        return InvariantFindings.from_invariants(await unit.administration.audit.check())


def _print_report(answer: AuditOutput) -> None:
    console = Console()
    table = Table("invariant", "checked", "broken", box=None)
    for column in table.columns[1:]:
        column.justify = "right"
    for invariant in answer.invariants:
        style = None if invariant.ok else "bold red"
        name = invariant.name.replace("_", " ")
        figures = f"{invariant.checked:,}", f"{invariant.broken:,}"
        table.add_row(name, *(("", "unfinished") if invariant.unfinished else figures), style=style)
    console.print(table)
    for invariant in answer.invariants:
        for example in invariant.examples:
            _print_broken(console, invariant.name, example)
    _print_repairs(console, answer)
    broken = sum(invariant.broken for invariant in answer.invariants)
    unfinished = sum(invariant.unfinished for invariant in answer.invariants)
    if broken:
        console.print(f"{broken:,} broken.")
    if unfinished:
        console.print(f"{unfinished} unfinished: HYLLA_AUDIT_TIMEOUT_SECONDS gives each more time.")
    if answer.ok:
        console.print("All is well.")


def _print_repairs(console: Console, answer: AuditOutput) -> None:
    """Prints the first repairs made, or with `dry_run` all those that would be made."""
    verb, most = ("would repair", None) if answer.dry_run else ("repaired", MAX_SHOWN)
    for repair in answer.repaired[:most]:
        _print_broken(console, f"{verb} {repair.invariant}", repair.broken)
    if answer.repaired or answer.dry_run:
        done = "would be repaired" if answer.dry_run else "repaired"
        console.print(f"{len(answer.repaired):,} {done}.")


def _print_broken(console: Console, name: str, found: BrokenRow) -> None:
    about = ", ".join(f"{what} {value}" for what, value in found.about.items())
    words = f"{name.replace('_', ' ')}: {about}: expected {found.expected}, found {found.actual}"
    console.print(words, markup=False, highlight=False, soft_wrap=True)
