"""What the lines of a file tell of stores, products, stock and customers."""

import asyncio
import json
import tracemalloc
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import pytest

from adapters.imports import reading
from adapters.imports.reading import ImportFileReader
from domain.catalogue.products import Product, Relation, RelationKind
from domain.kernel.errors import InvalidField
from domain.kernel.money import Money
from service.administration.imports import ImportEntry, ImportKind, RefusedLine, options

STORE_TEXTS = ("name", "kind", "address", "city", "country", "time_zone", "hours", "exceptions")


async def told(kind: ImportKind, content: str, **wishes) -> list[Any]:
    batches = ImportFileReader().batches(kind, BytesIO(content.encode()), options(**wishes))
    return [line async for batch in batches for line in batch]


async def the_one(kind: ImportKind, content: str, **wishes):
    (entry,) = await told(kind, content, **wishes)
    assert isinstance(entry, ImportEntry), entry
    return entry.value


async def refusals(kind: ImportKind, content: str, **wishes) -> list[tuple[int, str]]:
    lines = await told(kind, content, **wishes)
    return [(line.line, line.code) for line in lines if isinstance(line, RefusedLine)]


async def test_a_store_in_anothers_words_is_understood():
    store = await the_one(
        ImportKind.STORES,
        '[{"id": 1000, "name": "Harbour", "zip": "55425", "hours": "Mon: 10-9:30",'
        ' "location": {"lat": 44.85, "lon": -93.25}, "services": ["Repairs"], "opened": 1999}]',
        columns=["store=id", "postal_code=zip", "latitude=location.lat", "longitude=location.lon"],
    )

    assert (store.store, store.name, store.postal_code) == ("1000", "Harbour", "55425")
    assert (store.time_zone, store.hours) == ("America/Chicago", "Mo 10:00-21:30")
    assert (store.services, store.pickup) == (("Repairs",), True)


@pytest.mark.parametrize(
    ("columns", "cells", "time_zone"),
    [
        ("store,latitude,longitude", "1,59.91,10.75", "Europe/Oslo"),
        (
            "store,latitude,longitude,time_zone",
            "1,59.91,10.75,Europe/Bucharest",
            "Europe/Bucharest",
        ),
        ("store,latitude,longitude,time_zone", "1,59.91,10.75,", "Europe/Oslo"),
        ("store", "1", "UTC"),
    ],
)
async def test_the_place_on_the_map_tells_the_time_zone(columns, cells, time_zone):
    store = await the_one(ImportKind.STORES, f"{columns}\n{cells}\n")

    assert store.time_zone == time_zone


@pytest.mark.parametrize(
    ("columns", "cells", "code"),
    [
        ("store", '""', "required"),
        ("store", "a/b", "pattern"),
        ("store,latitude,longitude", "1,91,10", "invalid"),
        ("store,latitude", "1,59", "required"),
        ("store,latitude,longitude", "1,north,10", "unreadable"),
        ("store,hours", "1,whenever", "hours_unreadable"),
        ("store,time_zone", "1,Europe/Atlantis", "unknown_time_zone"),
        ("store,country", "1,Sweden", "unknown_country"),
        ("store,pickup", "1,perhaps", "unreadable"),
        ("store,prep_minutes", "1,1_0", "unreadable"),
        ("store,prep_minutes", "1,\u0663", "unreadable"),
        ("store,prep_minutes", f"1,{'9' * 5000}", "unreadable"),
        ("store,latitude,longitude", "1,5_9,10", "unreadable"),
        ("store,latitude,longitude", "1,\u0665,10", "unreadable"),
        ("store,latitude,longitude", "1,nan,10", "unreadable"),
        *((f"store,{field}", f"1,{'x' * 10_001}", "length") for field in STORE_TEXTS),
        ("store,name", f"1,{'x' * 201}", "length"),
        ("store,address", f"1,{'x' * 501}", "length"),
        ("store,city", f"1,{'x' * 201}", "length"),
        ("store,postal_code", f"1,{'x' * 33}", "length"),
        ("store,phone", f"1,{'x' * 65}", "length"),
        ("store,services", f"1,{'x' * 201}", "length"),
        ("store,services", f"1,{'x;' * 101}", "length"),
    ],
)
async def test_a_store_that_cannot_be_is_refused_with_the_reason(columns, cells, code):
    assert await refusals(ImportKind.STORES, f"{columns}\n{cells}\n") == [(2, code)]


async def test_a_product_in_cells_and_in_json_is_the_same_product():
    columns = "sku,name,price,currency,gtin,group,options,names.sv,parts,relations,tracked"
    cells = (
        "SET,Set,2.55,gbp,4006381333931,TEA,size=M; colour=blue,Servis,MUG=2; POT=1,"
        '"[{""sku"": ""SOAP"", ""kind"": ""consumable"", ""replenish_after_days"": 60}]",no'
    )
    document = (
        '[{"sku": "SET", "name": "Set", "price": 2.55, "currency": "GBP", "gtin": 4006381333931,'
        '"group": "TEA", "options": {"size": "M", "colour": "blue"}, "names": {"sv": "Servis"},'
        '"parts": {"MUG": 2, "POT": 1}, "tracked": false, "relations":'
        '[{"sku": "SOAP", "kind": "consumable", "replenish_after_days": 60}]}]'
    )
    expected = Product(
        sku="SET",
        name="Set",
        price=Money(255, "GBP"),
        gtin="04006381333931",
        group="TEA",
        options={"size": "M", "colour": "blue"},
        names={"sv": "Servis"},
        parts={"MUG": 2, "POT": 1},
        relations=(Relation("SOAP", RelationKind.CONSUMABLE, 60),),
        tracked=False,
    )

    assert await the_one(ImportKind.PRODUCTS, f"{columns}\n{cells}\n") == expected
    assert await the_one(ImportKind.PRODUCTS, document) == expected
    assert await the_one(ImportKind.PRODUCTS, document[1:-1]) == expected


@pytest.mark.parametrize(
    ("cells", "code"),
    [
        ("MUG,,2.55,GBP,", "required"),
        ("MUG,  ,2.55,GBP,", "required"),
        (",Mug,2.55,GBP,", "required"),
        ("MUG,Mug,,GBP,", "required"),
        ("MUG,Mug,2.55,,", "required"),
        ("MUG,Mug,0,GBP,", "not_positive"),
        ("MUG,Mug,-1.00,GBP,", "not_positive"),
        ("MUG,Mug,2.555,GBP,", "not_a_price"),
        ("MUG,Mug,cheap,GBP,", "not_a_price"),
        ("MUG,Mug,NaN,GBP,", "not_a_price"),
        ("MUG,Mug,1e40,GBP,", "not_a_price"),
        ("MUG,Mug,1e999999999,GBP,", "not_a_price"),
        ("MUG,Mug,1e-999999999,GBP,", "not_a_price"),
        ("MUG,Mug,99999999999999.00,GBP,", "not_a_price"),
        ("MUG,Mug,1_000,GBP,", "not_a_price"),
        ("MUG,Mug,\u0663,GBP,", "not_a_price"),
        ("MUG,Mug,2.55,GBP,\u0664006381333931", "not_a_gtin"),
        (f"MUG,{'x' * 501},2.55,GBP,", "length"),
        ("MUG,Mug,2.55,XYZ,", "unknown_currency"),
        ("MUG,Mug,2.55,GBP,4006381333930", "not_a_gtin"),
        ("stream,Mug,2.55,GBP,", "reserved"),
        ("a/b,Mug,2.55,GBP,", "pattern"),
        (f"{'x' * 65},Mug,2.55,GBP,", "pattern"),
        ("MUG,M\0ug,2.55,GBP,", "unreadable"),
    ],
)
async def test_a_product_that_cannot_be_is_refused_with_the_reason(cells, code):
    content = f"sku,name,price,currency,gtin\n{cells}\n"

    assert await refusals(ImportKind.PRODUCTS, content) == [(2, code)]


@pytest.mark.parametrize(
    ("column", "cell"),
    [
        ("category", "x" * 501),
        ("group", "x" * 201),
        ("names.sv", "x" * 501),
        ("names", f"{'x' * 36}=Servis"),
        ("options", f"{'x' * 65}=blue"),
        ("options.colour", "x" * 201),
        ("options", "; ".join(f"o{number}=x" for number in range(51))),
        ("parts", "; ".join(f"P{number}=1" for number in range(101))),
    ],
)
async def test_no_text_of_a_product_is_without_end(column: str, cell: str):
    content = f"sku,name,price,currency,{column}\nMUG,Mug,2.55,GBP,{cell}\n"

    assert await refusals(ImportKind.PRODUCTS, content) == [(2, "length")]


@pytest.mark.parametrize("field", ["external_id", "name", "email", "phone", "locale"])
async def test_no_text_of_a_customer_is_without_end(field: str):
    told = {"external_id": "1", field: "9" * 100_000}

    assert await refusals(ImportKind.CUSTOMERS, json.dumps([told])) == [(1, "length")]


async def test_a_number_beyond_counting_is_refused_before_it_is_written_out():
    content = '[{"store": "1", "prep_minutes": 1e999999999}]'

    assert await refusals(ImportKind.STORES, content) == [(1, "length")]


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("17850.0", "17850"),
        ("17850", "17850"),
        ("17850.50", "17850.50"),
        ("0017850", "0017850"),
        (" a B ", " a B "),
        ("85123a", "85123a"),
    ],
)
async def test_a_key_is_kept_byte_for_byte_but_for_what_a_spreadsheet_did(written, key):
    customer = await the_one(ImportKind.CUSTOMERS, f"external_id\n{written}\n")

    assert customer.external_id == key


@pytest.mark.parametrize("number", ["17850", "17850.0"])
@pytest.mark.parametrize("shape", ['[{{"external_id": {}}}]', '{{"external_id": {}}}'])
async def test_a_number_becomes_text_where_a_key_is_wanted(shape: str, number: str):
    customer = await the_one(ImportKind.CUSTOMERS, shape.format(number))

    assert customer.external_id == "17850"


async def test_what_is_wrong_with_a_customer_is_not_repeated():
    lines = await told(
        ImportKind.CUSTOMERS,
        "external_id,email,phone\n1,not-an-address,\n2,,12\n"
        "3,customer3@example.com,+46 70 174 06 05\n",
    )

    assert [(line.code, line.detail) for line in lines[:2]] == [
        ("not_an_email", "email must be an e-mail address."),
        ("not_a_phone", "phone must be a number in E.164, such as +4790123456."),
    ]
    assert lines[2].value.phone == "+46701740605"


async def test_a_count_without_a_moment_has_none_yet():
    content = (
        "store,sku,on_hand,safety_stock,counted_at\n1,MUG,12.0,,\n1,POT,3,1,2026-11-23T10:15\n"
    )

    mug, pot = [entry.value for entry in await told(ImportKind.STOCK, content)]

    assert (mug.on_hand, mug.safety_stock, mug.counted_at) == (12, None, None)
    assert (pot.on_hand, pot.safety_stock) == (3, 1)
    assert pot.counted_at == datetime(2026, 11, 23, 10, 15, tzinfo=UTC)


async def test_a_constant_beats_a_column_and_a_mapped_column_its_own():
    content = "sku,code,name,price,currency\nX,MUG,Mug,1.00,SEK\n"

    product = await the_one(
        ImportKind.PRODUCTS, content, columns=["sku=code"], constants=["currency=GBP"]
    )

    assert (product.sku, product.price) == ("MUG", Money(100, "GBP"))


async def test_only_keys_that_match_as_a_whole_pass_a_pattern():
    content = "sku,name,price,currency\n85123A,Mug,1.00,GBP\nPOST,Post,1.00,GBP\nx85123,Mug,0,GBP\n"

    assert await refusals(ImportKind.PRODUCTS, content, patterns=[r"sku=\d{5}.*"]) == [
        (3, "pattern"),
        (4, "pattern"),
    ]


async def test_no_pattern_holds_up_the_shop_however_it_is_written():
    content = f"sku,name,price,currency\n{'a' * 40}b,Mug,1.00,GBP\n"

    async with asyncio.timeout(2):
        assert await refusals(ImportKind.PRODUCTS, content, patterns=["sku=(a+)+$"]) == [
            (2, "pattern")
        ]


SALES = """sku,name,price,currency,seen_at
MUG,Red mug,1.00,GBP,2026-11-01 10:00
mug,Small mug,5.00,GBP,2026-11-01 10:00
MUG,Blue mug,3.00,GBP,2026-11-03 10:00
MUG,Red mug,2.00,GBP,2026-11-02 10:00
MUG,,9.00,GBP,2026-11-09 10:00
"""


async def test_many_lines_of_one_key_fold_into_the_most_frequent_name_and_the_latest_price():
    lines = await told(ImportKind.PRODUCTS, SALES, distinct="sku")

    refused, mug, small = lines
    assert (refused.line, refused.code) == (6, "required")
    assert (mug.line, mug.folded, mug.value.name) == (2, 2, "Red mug")
    assert mug.value.price == Money(300, "GBP")
    assert (small.line, small.folded, small.value.sku) == (3, 0, "mug")


async def test_without_folding_a_file_may_not_contradict_itself():
    lines = await told(ImportKind.PRODUCTS, SALES + "mug,Small mug,5.00,GBP,2026-11-04 10:00\n")

    accepted = [line.line for line in lines if isinstance(line, ImportEntry)]
    assert accepted == [2, 3, 7]
    assert [line.code for line in lines if isinstance(line, RefusedLine)] == [
        "contradiction",
        "contradiction",
        "required",
    ]


@pytest.mark.parametrize(
    ("wishes", "field"),
    [
        ({"columns": ["colour=Colour"]}, "map"),
        ({"columns": ["sku"]}, "map"),
        ({"constants": ["=GBP"]}, "set"),
        ({"constants": ["colour=blue"]}, "set"),
        ({"patterns": ["sku=("]}, "pattern"),
        ({"patterns": [r"sku=(a)\1"]}, "pattern"),
        ({"patterns": ["sku=(?<=a)b"]}, "pattern"),
        ({"patterns": ["sku=\ud800"]}, "pattern"),
        ({"patterns": [f"sku={'x' * 201}"]}, "pattern"),
        ({"distinct": "name"}, "distinct"),
    ],
)
async def test_an_option_that_does_not_fit_is_named(wishes, field):
    with pytest.raises(InvalidField) as refusal:
        await told(ImportKind.PRODUCTS, SALES, **wishes)

    assert refusal.value.errors[0]["pointer"] == f"/{field}"


async def test_lines_come_in_batches_that_a_unit_can_take(monkeypatch):
    monkeypatch.setattr(reading, "BATCH_SIZE", 2)
    content = "external_id\n" + "".join(f"{number}\n" for number in range(5))

    batches = ImportFileReader().batches(ImportKind.CUSTOMERS, BytesIO(content.encode()), options())

    assert [len(batch) async for batch in batches] == [2, 2, 1]


@pytest.mark.parametrize("distinct", [None, "external_id"])
async def test_memory_does_not_grow_with_the_file(distinct: str | None):
    async def peak(lines: int) -> int:
        file = BytesIO(b"external_id\n" + b"".join(b"%d\n" % line for line in range(lines)))
        tracemalloc.start()
        async for _ in ImportFileReader().batches(
            ImportKind.CUSTOMERS, file, options(distinct=distinct)
        ):
            pass
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    short, long = await peak(3_000), await peak(30_000)

    assert long - short < 500_000


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        (
            ImportKind.PRODUCTS,
            '{"sku": "A", "name": "Mug\\u001b[2J", "price": 1, "currency": "SEK"}',
        ),
        (
            ImportKind.PRODUCTS,
            '{"sku": "A", "name": "Mug", "price": 1, "currency": "SEK", "names": {"sv": "M\\nM"}}',
        ),
        (ImportKind.CUSTOMERS, '{"external_id": "1", "name": "Sample\\r\\nBcc: sample"}'),
        (ImportKind.STORES, '{"store": "1", "name": "Har\\u0007bour"}'),
    ],
)
async def test_a_name_that_hides_commands_is_refused(kind: ImportKind, line: str):
    assert await refusals(kind, f"[{line}]") == [(1, "invalid")]


@pytest.mark.parametrize(
    "moment", ["9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", "9999-12-31T00:00:00"]
)
async def test_a_count_outside_of_all_calendars_is_refused(moment: str):
    counted = f"store,sku,on_hand,counted_at\nharbour,MUG,7,{moment}\n"

    assert await refusals(ImportKind.STOCK, counted) == [(2, "unreadable")]


async def test_a_price_that_no_order_could_bear_is_refused():
    dear = "sku,name,price,currency\nYACHT,Yacht,9999999999999.99,SEK\n"

    assert await refusals(ImportKind.PRODUCTS, dear) == [(2, "too_high")]
