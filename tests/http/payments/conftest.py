from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.support.fake_stripe import OLD_SIGNING, SECRET_KEY, SIGNING, FakeStripe, running
from tests.support.shop import Shop, a_shop


@pytest.fixture
def fake() -> Iterator[FakeStripe]:
    with running() as fake:
        yield fake


@pytest.fixture
async def shop(database_url: str, tmp_path: Path, fake: FakeStripe) -> AsyncIterator[Shop]:
    """A shop that takes cards."""
    settings = {
        "stripe_secret_key": SECRET_KEY,
        "stripe_webhook_secret": f"{SIGNING},{OLD_SIGNING}",
        "stripe_publishable_key": "pk_test_sample",
        "stripe_url": fake.url,
    }
    async with a_shop(database_url, tmp_path, **settings) as shop:
        yield shop
