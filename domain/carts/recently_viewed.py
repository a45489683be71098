"""Recently viewed products, the newest first: each SKU once, and a bounded number of them."""

from datetime import datetime
from typing import Final

from msgspec import Struct

from domain.kernel.ids import Sku

MAX_VIEWED: Final = 50


class ViewedProduct(Struct, frozen=True):
    sku: Sku
    viewed_at: datetime
