"""What a cart costs: every sum adds up, whatever is in it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from domain.kernel.money import Money, share_of_units, split
from domain.pricing.markets import Market, TaxRates
from domain.pricing.prices import PricingContext, Quote, compute_tax, quote_cart
from domain.pricing.promotions import Coupon, CouponProblem, Promotion, PromotionItem, PromotionKind
from domain.pricing.shipping_methods import ShippingMethod
from tests.support.examples import MUG, NOON, TEAPOT

SEK = "SEK"
GOODS = ["mug", "teapot", "saucer", "spoon", "kettle"]


def sek(amount: int) -> Money:
    return Money(amount, SEK)


def an_item(line: str = MUG, price: int = 1000, quantity: int = 1, **more: Any) -> PromotionItem:
    return PromotionItem(line, more.pop("sku", line), quantity, price, **more)


def percent_off(percent: str, name: str = "sale", **more: Any) -> Promotion:
    return Promotion(promotion=name, kind=PromotionKind.PERCENTAGE, percent=percent, **more)


def amount_off(amount: int, name: str = "less", **more: Any) -> Promotion:
    return Promotion(promotion=name, kind=PromotionKind.AMOUNT, amount=sek(amount), **more)


def n_for_m(take: int, pay: int, name: str = "bundle", **more: Any) -> Promotion:
    return Promotion(promotion=name, kind=PromotionKind.N_FOR_M, take=take, pay=pay, **more)


def a_market(rate: str = "25", **more: Any) -> Market:
    tax = TaxRates(rate, more.pop("categories", {}))
    return Market(market="se", currency=SEK, tax=tax, **more)


def a_method(price: int = 4900, **more: Any) -> ShippingMethod:
    return ShippingMethod(method="post", names={"en": "Post"}, price=sek(price), **more)


def priced(*items: PromotionItem, **terms: Any) -> Quote:
    return quote_cart(items, PricingContext(SEK, NOON, **terms))


def totals(told: Quote) -> list[int]:
    return [line.total.amount for line in told.lines]


# --- the simplest shop ----------------------------------------------------------------------------


def test_with_no_market_prices_are_what_they_say_and_no_tax_is_stated():
    told = priced(an_item(MUG, 1000, 3))

    assert (told.lines[0].tax_rate, told.taxes, told.market) == (None, [], None)
    assert (told.totals.goods, told.totals.to_pay, told.totals.tax) == (
        sek(3000),
        sek(3000),
        sek(0),
    )


# --- taxes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("amount", "rate", "included", "tax"),
    [
        (1250, "25", True, 250),
        (1000, "25", False, 250),
        (1000, "8.875", False, 89),  # 88.75
        (1000, "0", True, 0),
        (100, "12", True, 11),  # 10.71
        (2, "25", False, 1),  # a half goes up
    ],
)
def test_tax_lies_in_the_price_or_comes_on_top(amount: int, rate: str, included: bool, tax: int):
    assert compute_tax(amount, rate, included=included) == tax


def test_a_tax_that_is_included_changes_nothing_that_is_paid_and_one_that_is_not_does():
    within = priced(an_item(price=1250), market=a_market())
    on_top = priced(an_item(price=1000), market=a_market(prices_include_tax=False))

    assert (within.totals.tax, within.totals.to_pay) == (sek(250), sek(1250))
    assert (on_top.totals.tax, on_top.totals.to_pay) == (sek(250), sek(1250))
    assert on_top.lines[0].total == sek(1000)
    assert on_top.lines[0].to_pay == sek(1250)


def test_a_category_has_its_own_rate_and_each_rate_its_own_sum():
    market = a_market(categories={"food": "12"})
    told = priced(an_item(MUG, 1250), an_item("tea", 1120, category="food"), market=market)
    sums = [(one.rate, one.net.amount, one.tax.amount, one.gross.amount) for one in told.taxes]

    assert sums == [("12", 1000, 120, 1120), ("25", 1000, 250, 1250)]


def test_two_spellings_of_a_rate_are_one():
    market = a_market("25.0", categories={"food": "25"})
    told = priced(an_item(MUG), an_item("tea", category="food"), market=market)

    assert [one.rate for one in told.taxes] == ["25"]


def test_three_lines_of_one_coin_bear_the_tax_of_three_coins():
    told = priced(*(an_item(name, 1) for name in GOODS[:3]), market=a_market())

    assert told.totals.tax == sek(1)
    assert sum(line.tax.amount for line in told.lines) == 1


# --- shipping -------------------------------------------------------------------------------------


def test_the_fee_is_there_once_and_only_where_something_is_sent():
    collected = priced(an_item(MUG), method=a_method())
    mixed = priced(
        an_item(MUG), an_item(TEAPOT, ships=True), an_item("spoon", ships=True), method=a_method()
    )

    assert (collected.shipping, collected.totals.shipping) == (None, sek(0))
    assert (mixed.totals.shipping, mixed.totals.to_pay) == (sek(4900), sek(7900))


@pytest.mark.parametrize(("price", "fee"), [(4999, 100), (5000, 0)])
def test_from_so_much_on_it_is_sent_for_nothing(price: int, fee: int):
    method = a_method(100, free_from=sek(5000))

    assert priced(an_item(price=price, ships=True), method=method).totals.shipping == sek(fee)


def test_what_counts_for_free_shipping_is_what_the_goods_cost_after_discounts():
    told = priced(
        an_item(price=5000, ships=True),
        method=a_method(100, free_from=sek(5000)),
        promotions=[percent_off("1")],
    )

    assert told.totals.shipping == sek(100)


def test_shipping_bears_the_tax_of_its_category():
    market = a_market(categories={"carriage": "12"})
    method = a_method(1120, tax_category="carriage")
    told = priced(an_item(price=1250, ships=True), market=market, method=method)

    assert told.shipping is not None
    assert (told.shipping.tax_rate, told.shipping.tax) == ("12", sek(120))
    assert told.totals.tax == sek(370)


# --- promotions -----------------------------------------------------------------------------------


def test_of_two_promotions_each_line_has_the_better_one():
    told = priced(
        an_item(MUG, 1000),
        an_item(TEAPOT, 200),
        promotions=[percent_off("10"), amount_off(50, skus=(TEAPOT,)), percent_off("5", "small")],
    )

    assert totals(told) == [900, 150]
    assert [[one.promotion for one in line.discounts] for line in told.lines] == [
        ["sale"],
        ["less"],
    ]


def test_an_amount_is_off_each_unit_or_off_the_lines_together():
    items = [an_item(MUG, 1000, 3), an_item(TEAPOT, 1000)]

    assert totals(priced(*items, promotions=[amount_off(100)])) == [2700, 900]
    assert totals(priced(*items, promotions=[amount_off(100, off="lines")])) == [2925, 975]


def test_of_three_the_cheapest_is_free_across_lines():
    told = priced(an_item(MUG, 500), an_item(TEAPOT, 2000, 2), promotions=[n_for_m(3, 2)])

    assert totals(told) == [0, 4000]


@pytest.mark.parametrize(("quantity", "paid"), [(1, 1), (2, 2), (3, 2), (4, 3), (5, 4), (6, 4)])
def test_three_for_two_is_counted_in_whole_bundles(quantity: int, paid: int):
    told = priced(an_item(MUG, 999, quantity), promotions=[n_for_m(3, 2)])

    assert told.totals.to_pay == sek(999 * paid)


def test_what_speaks_of_lines_together_gives_way_where_it_saves_less():
    items = [an_item(MUG, 1000, 3)]
    more, less = percent_off("40"), percent_off("30")

    assert totals(priced(*items, promotions=[n_for_m(3, 2), more])) == [1800]
    assert totals(priced(*items, promotions=[n_for_m(3, 2), less])) == [2000]


def test_a_promotion_is_for_its_goods_its_time_and_from_its_sum_on():
    items = [an_item(MUG, 1000, category="kitchen"), an_item("novel", 1000, category="books")]
    hour = timedelta(hours=1)

    def one(**more: Any) -> list[int]:
        return totals(priced(*items, promotions=[percent_off("10", **more)]))

    assert one(skus=("novel",)) == [1000, 900]
    assert one(categories=("kitchen",)) == [900, 1000]
    assert one(since=NOON, until=NOON + hour) == [900, 900]
    assert one(since=NOON + hour) == one(until=NOON) == [1000, 1000]
    assert one(least_spend=sek(2000)) == [900, 900]
    assert one(least_spend=sek(2001)) == [1000, 1000]
    assert one(least_spend=sek(1001), skus=(MUG,)) == [1000, 1000]
    assert one(least_spend=Money(1, "NOK")) == [1000, 1000]
    assert one(code="ONLY") == [1000, 1000]


def test_coupons_take_their_part_of_what_is_left_percentages_first():
    told = priced(
        an_item(MUG, 1000),
        promotions=[percent_off("10")],
        coupons=[amount_off(100, "a", code="LESS"), percent_off("50", "b", code="HALF")],
    )

    assert totals(told) == [350]
    assert [(one.code, one.amount.amount) for one in told.lines[0].discounts] == [
        (None, 100),
        ("HALF", 450),
        ("LESS", 100),
    ]


# --- what holds for every cart --------------------------------------------------------------------

few = st.integers(1, 12)
rates = st.sampled_from(["0", "6", "8.875", "12", "19", "25", "100"])
prices = st.integers(1, 10**6)
categories = st.sampled_from(["", "food", "books"])
items_of = st.lists(
    st.builds(
        PromotionItem,
        st.sampled_from(GOODS),
        st.sampled_from(GOODS),
        few,
        prices,
        category=categories,
        ships=st.booleans(),
    ),
    min_size=1,
    max_size=5,
    unique_by=lambda item: item.line,
)
covers = st.fixed_dictionaries(
    {},
    optional={
        "skus": st.lists(st.sampled_from(GOODS), max_size=3).map(tuple),
        "categories": st.lists(categories.filter(bool), max_size=2).map(tuple),
    },
)


def names(kind: str) -> Any:
    return st.integers(0, 9).map(lambda number: f"{kind}-{number}")


a_promotion = covers.flatmap(
    lambda more: st.one_of(
        st.builds(lambda p, n: percent_off(p, n, **more), rates, names("percent")),
        st.builds(lambda a, n: amount_off(a, n, **more), prices, names("unit")),
        st.builds(lambda a, n: amount_off(a, n, off="lines", **more), prices, names("lines")),
        st.builds(
            lambda take, less, n: n_for_m(take, max(1, take - less), n, **more),
            st.integers(2, 5),
            st.integers(1, 4),
            names("bundle"),
        ),
    )
)
promotions_of = st.lists(a_promotion, max_size=4, unique_by=lambda one: one.promotion)
deals = st.builds(
    PricingContext,
    st.just(SEK),
    st.just(NOON),
    market=st.none()
    | st.builds(
        lambda rate, food, inside: a_market(
            rate, categories={"food": food}, prices_include_tax=inside
        ),
        rates,
        rates,
        st.booleans(),
    ),
    promotions=promotions_of,
    coupons=promotions_of,
    method=st.none() | st.builds(a_method, prices, free_from=prices.map(sek)),
)


@given(items_of, deals)
def test_every_sum_adds_up_to_the_last_coin(items: list[PromotionItem], deal: PricingContext):
    told = quote_cart(items, deal)
    bills: list[Any] = [*told.lines, *([told.shipping] if told.shipping else [])]
    off = sum(one.amount.amount for line in told.lines for one in line.discounts)
    fee = told.shipping.price.amount if told.shipping else 0
    sums = told.totals

    for line in told.lines:
        own = sum(one.amount.amount for one in line.discounts)
        assert line.total.amount == line.unit_price.amount * line.quantity - own
    assert sums.goods.amount == sum(item.subtotal for item in items)
    assert (sums.discounts.amount, sums.shipping.amount) == (off, fee)
    assert sums.tax.amount == sum(bill.tax.amount for bill in bills)
    assert sums.tax.amount == sum(one.tax.amount for one in told.taxes)
    assert sums.to_pay.amount == sum(bill.to_pay.amount for bill in bills)
    on_top = 0 if told.prices_include_tax else sums.tax.amount
    assert sums.to_pay.amount == sums.goods.amount - off + fee + on_top
    if deal.market:
        assert sums.to_pay.amount == sum(one.gross.amount for one in told.taxes)
    assert all(one.net.amount + one.tax.amount == one.gross.amount for one in told.taxes)


@given(items_of, deals)
def test_nothing_is_ever_negative(items: list[PromotionItem], deal: PricingContext):
    told = quote_cart(items, deal)
    figures = [
        *(getattr(told.totals, name).amount for name in told.totals.__struct_fields__),
        *(line.total.amount for line in told.lines),
        *(line.tax.amount for line in told.lines),
        *(one.amount.amount - 1 for line in told.lines for one in line.discounts),
        *(amount.amount for one in told.taxes for amount in (one.net, one.tax, one.gross)),
    ]

    assert min(figures) >= 0


@given(items_of, deals, st.randoms())
def test_the_order_of_lines_and_of_promotions_changes_nothing(
    items: list[PromotionItem], deal: PricingContext, chance: Any
):
    told = quote_cart(items, deal)
    mixed = [chance.sample(some, len(some)) for some in (items, deal.promotions, deal.coupons)]
    again = quote_cart(
        mixed[0],
        PricingContext(SEK, NOON, deal.market, mixed[1], mixed[2], deal.method),
    )

    assert sorted(told.lines, key=lambda line: line.line) == sorted(
        again.lines, key=lambda line: line.line
    )
    assert (told.totals, told.taxes, told.shipping) == (again.totals, again.taxes, again.shipping)


@given(items_of, promotions_of)
def test_a_further_promotion_that_speaks_of_lines_singly_makes_no_line_dearer(
    items: list[PromotionItem], promotions: list[Promotion]
):
    singly = [one for one in promotions if not one.spans_lines]
    some, all_of_them = priced(*items, promotions=singly[1:]), priced(*items, promotions=singly)

    assert all(
        after <= before for before, after in zip(totals(some), totals(all_of_them), strict=True)
    )


@given(items_of, promotions_of)
def test_promotions_together_never_save_less_than_the_best_that_speaks_of_lines_singly(
    items: list[PromotionItem], promotions: list[Promotion]
):
    together = priced(*items, promotions=promotions).totals.discounts.amount
    alone = [
        priced(*items, promotions=[one]).totals.discounts.amount
        for one in promotions
        if not one.spans_lines
    ]

    assert together >= max(alone, default=0)


@given(items_of, st.integers(2, 5), st.integers(1, 4))
def test_n_for_m_frees_whole_bundles_and_never_a_dear_unit_before_a_cheap_one(
    items: list[PromotionItem], take: int, less: int
):
    pay = max(1, take - less)
    told = priced(*items, promotions=[n_for_m(take, pay)])
    units = sorted(item.price for item in items for _ in range(item.quantity))
    free = len(units) // take * (take - pay)

    assert told.totals.discounts.amount == sum(units[:free])


@given(st.integers(0, 10**9), st.dictionaries(st.sampled_from(GOODS), st.integers(1, 10**6)))
def test_shares_add_up_and_are_within_one_coin_of_fair(amount: int, weights: dict[str, int]):
    shares = split(amount if weights else 0, weights)
    whole = sum(weights.values())

    assert sum(shares.values()) == (amount if weights else 0)
    assert all(
        abs(shares[name] * whole - amount * weight) < whole for name, weight in weights.items()
    )


@given(st.integers(0, 10**9), st.lists(st.integers(1, 9), min_size=1, max_size=9))
def test_the_shares_of_a_lines_units_add_up_to_the_line_over_time(amount: int, parts: list[int]):
    quantity, first, shares = sum(parts), 0, []
    for units in parts:
        shares.append(share_of_units(amount, quantity, first, units))
        first += units

    assert sum(shares) == amount
    assert min(shares) >= 0


@given(items_of, deals, st.lists(st.integers(1, 9), min_size=1, max_size=5))
def test_a_line_in_parts_adds_up_to_the_line_and_no_part_is_negative(
    items: list[PromotionItem], deal: PricingContext, parts: list[int]
):
    line = quote_cart([replace(item, quantity=sum(parts)) for item in items], deal).lines[0]
    split_up = line.split(parts)

    for name in ("total", "tax", "to_pay"):
        amounts = [getattr(part, name).amount for part in split_up]
        assert (sum(amounts), min(amounts) >= 0) == (getattr(line, name).amount, True)
    off = sum(one.amount.amount for part in split_up for one in part.discounts)
    assert off == sum(one.amount.amount for one in line.discounts)
    for part in split_up:
        taken = sum(one.amount.amount for one in part.discounts)
        assert part.unit_price.amount * part.quantity - taken == part.total.amount


# --- coupons --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("terms", "told", "trouble"),
    [
        ({}, {}, None),
        ({"until": NOON}, {}, CouponProblem.ENDED),
        ({"state": "paused"}, {}, CouponProblem.ENDED),
        ({"customer": "cus_1"}, {"customer": "cus_1"}, None),
        ({"customer": "cus_1"}, {"customer": "cus_2"}, CouponProblem.NOT_YOURS),
        ({"customer": "cus_1"}, {}, CouponProblem.NOT_YOURS),
        ({"uses_max": 3, "uses": 2}, {}, None),
        ({"uses_max": 3, "uses": 3}, {}, CouponProblem.USED_UP),
        ({"uses_per_customer": 1}, {}, CouponProblem.NOT_YOURS),
        ({"uses_per_customer": 1}, {"customer": "cus_1"}, None),
        ({"uses_per_customer": 1}, {"customer": "cus_1", "mine": 1}, CouponProblem.USED_UP),
        ({"since": NOON + timedelta(seconds=1)}, {}, CouponProblem.NOT_APPLICABLE),
        ({"skus": (TEAPOT,)}, {}, CouponProblem.NOT_APPLICABLE),
        ({"least_spend": sek(1001)}, {}, CouponProblem.NOT_APPLICABLE),
    ],
)
def test_a_coupon_says_why_it_takes_nothing_off(
    terms: dict[str, Any], told: dict[str, Any], trouble: CouponProblem | None
):
    promotion = percent_off("10", code="SPRING", **terms)
    coupon = Coupon("SPRING", promotion, told.get("mine", 0))
    found = coupon.find_problem(
        customer=told.get("customer"), items=[an_item()], currency=SEK, now=NOON
    )

    assert found == trouble


def test_a_coupon_whose_promotion_is_gone_has_ended():
    gone = Coupon("GONE").find_problem(
        customer=None, items=[an_item()], currency=SEK, now=datetime(2026, 1, 1, tzinfo=UTC)
    )

    assert gone is CouponProblem.ENDED
