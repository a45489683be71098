from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.shop import Shop, a_shop


@pytest.fixture
async def shop(database_url: str, tmp_path: Path) -> AsyncIterator[Shop]:
    async with a_shop(database_url, tmp_path) as shop:
        yield shop
