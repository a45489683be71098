"""`hylla token`: call as a customer while no identity provider is connected."""

from datetime import timedelta
from pathlib import Path

import rich_click as click

from adapters.cli.components import run_with_components
from adapters.cli.options import (
    ensure_data_folder,
    load_settings,
    print_result,
    shared_options,
    with_migrated_database,
)
from adapters.main import Components
from adapters.oidc.tokens import TrialTokenVerifier
from domain.kernel.errors import NotFound
from domain.kernel.ids import CustomerId


@click.command("token")
@shared_options
@click.option("--customer", required=True, metavar="ID", help="Whose token: the id `cus_…`.")
@click.option("--hours", default=24, type=click.IntRange(1, 24 * 30), help="How long it is good.")
def command(
    data: Path | None, database_url: str | None, as_json: bool, customer: str, hours: int
) -> None:
    """Make a token with which a customer calls, for a trial.

    Once an identity provider is named (HYLLA_OIDC_ISSUER), only its tokens are good.

    Example: `hylla token --customer cus_01jd…`
    """

    async def issue(house: Components) -> str:
        async with house.units.read() as unit:
            known, _ = await unit.customers.customers.get_by_external_id([CustomerId(customer)], [])
            if not known:
                raise NotFound(f"There is no customer {customer}.")
            lifetime = timedelta(hours=hours)
            return TrialTokenVerifier(house.settings.secret).issue(known.pop(), unit.now, lifetime)

    settings = load_settings(data, database_url)
    if settings.oidc_issuer:
        raise click.UsageError("Tokens come from HYLLA_OIDC_ISSUER; the trial's are not accepted.")
    ensure_data_folder(settings)
    with with_migrated_database(settings) as ready:
        token = run_with_components(ready, issue)
    print_result({"token": token}, as_json, token)
