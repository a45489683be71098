from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from domain.inventory.stock_levels import StockLevel
from domain.sourcing.routing import LocationStock, RoutedLine, route_lines
from domain.stores.stores import Store, StoreKind
from tests.support.examples import HARBOUR, HILL, MUG, TEA_SET, TEAPOT

DEPOT = "depot"
PARTS = {MUG: {MUG: 1}, TEAPOT: {TEAPOT: 1}, TEA_SET: {MUG: 2, TEAPOT: 1}}


def supply(own: dict[tuple[str, str], int] | None = None, **units: dict[str, int]) -> LocationStock:
    levels = {
        (store, sku): StockLevel(store, sku, on_hand=count)
        for store, skus in units.items()
        for sku, count in skus.items()
    }
    stores = {
        name: Store(store=name, kind=StoreKind.WAREHOUSE if name == DEPOT else StoreKind.STORE)
        for name in units
    }
    return LocationStock(PARTS, levels, stores, own or {})


def test_one_location_sends_everything_where_there_is_one():
    found = route_lines({MUG: 2, TEAPOT: 1}, supply(harbour={MUG: 9}, hill={MUG: 2, TEAPOT: 1}))

    assert found == RoutedLine({HILL: {MUG: 2, TEAPOT: 1}}, {})


def test_a_warehouse_comes_before_a_store_and_then_the_first_by_its_key():
    both = route_lines({MUG: 1}, supply(harbour={MUG: 9}, hill={MUG: 9}))
    depot = route_lines({MUG: 1}, supply(harbour={MUG: 9}, depot={MUG: 1}))

    assert (list(both.units_by_store), list(depot.units_by_store)) == ([HARBOUR], [DEPOT])


def test_where_the_buyer_holds_it_already_it_is_sent_from():
    held = supply({(HILL, MUG): 1}, harbour={MUG: 9}, hill={MUG: 9}, depot={MUG: 9})

    assert list(route_lines({MUG: 1}, held).units_by_store) == [HILL]


def test_a_line_that_no_location_has_whole_comes_from_several():
    found = route_lines({MUG: 5}, supply(harbour={MUG: 2}, hill={MUG: 4}))

    assert found == RoutedLine({HILL: {MUG: 4}, HARBOUR: {MUG: 1}}, {})


def test_what_nobody_has_is_named():
    found = route_lines({MUG: 5, TEAPOT: 1}, supply(harbour={MUG: 2, TEAPOT: 1}))

    assert found.unrouted == {MUG: 3}


def test_a_kit_and_its_part_share_the_shelf():
    found = route_lines({TEA_SET: 1, MUG: 2}, supply(harbour={MUG: 3, TEAPOT: 1}))

    assert found.unrouted in ({TEA_SET: 1}, {MUG: 1})


def test_what_the_same_buyer_collects_there_is_not_sent_from_there():
    taken = structs.replace(supply(harbour={MUG: 2}, hill={MUG: 1}), committed={(HARBOUR, MUG): 2})

    assert route_lines({MUG: 1}, taken).units_by_store == {HILL: {MUG: 1}}


counts = st.integers(0, 6)
shops = st.fixed_dictionaries(
    {name: st.fixed_dictionaries({MUG: counts, TEAPOT: counts}) for name in (HARBOUR, HILL, DEPOT)}
)


@given(shops, st.dictionaries(st.sampled_from([MUG, TEAPOT, TEA_SET]), st.integers(1, 8)))
def test_no_location_sends_more_than_it_has_and_nothing_is_lost_or_doubled(shop, wanted):
    found = route_lines(wanted, supply(**shop))

    for store, units in found.units_by_store.items():
        for part in (MUG, TEAPOT):
            taken = sum(PARTS[sku].get(part, 0) * count for sku, count in units.items())
            assert taken <= shop[store][part]
    for sku, count in wanted.items():
        sent = sum(units.get(sku, 0) for units in found.units_by_store.values())
        assert sent + found.unrouted.get(sku, 0) == count


@given(shops, st.dictionaries(st.sampled_from([MUG, TEAPOT]), st.integers(1, 8)))
def test_the_same_question_has_the_same_answer_in_whatever_order_it_is_told(shop, wanted):
    backwards = {name: shop[name] for name in reversed(shop)}

    assert route_lines(wanted, supply(**shop)) == route_lines(
        dict(reversed(wanted.items())), supply(**backwards)
    )
