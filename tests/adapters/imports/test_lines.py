"""Files of all sorts, line by line."""

import gc
from io import BytesIO

import pytest

from adapters.imports import lines
from adapters.imports.lines import FileFormat, FileUnreadable, SourceLine, read_lines
from service.administration.imports import RefusedLine


def said(content: bytes, hint: FileFormat | None = None) -> list[tuple[int, object]]:
    """Each line by its number: what it says, or the code of its refusal."""
    return [
        (line.number, line.record) if isinstance(line, SourceLine) else (line.line, line.code)
        for line in read_lines(BytesIO(content), hint)
    ]


@pytest.mark.parametrize(
    "content",
    [
        b"sku,name\nMUG,Mug\nPOT,Pot\n",
        b"\xef\xbb\xbfsku,name\r\nMUG,Mug\r\nPOT,Pot",
        b'sku;name\nMUG;"Mug"\n\nPOT;Pot\n',
        b"sku\tname\nMUG\tMug\nPOT\tPot\n",
        b'[{"sku": "MUG", "name": "Mug"}, {"sku": "POT", "name": "Pot"}]',
        b'\xef\xbb\xbf \n [{"sku": "MUG", "name": "Mug"}, {"sku": "POT", "name": "Pot"}]',
        b'{"sku": "MUG", "name": "Mug"}\n\n{"sku": "POT", "name": "Pot"}',
    ],
)
def test_the_form_of_a_file_is_seen_from_how_it_begins(content: bytes):
    records = [record for _, record in said(content)]

    assert records == [{"sku": "MUG", "name": "Mug"}, {"sku": "POT", "name": "Pot"}]


def test_a_line_is_named_by_where_it_starts_in_the_file():
    content = b'sku,name\nMUG,"a mug\nof two lines"\n\nPOT,Pot\n'

    assert said(content) == [
        (2, {"sku": "MUG", "name": "a mug\nof two lines"}),
        (5, {"sku": "POT", "name": "Pot"}),
    ]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"sku,name\nMUG\nPOT,Pot\n", [(2, "wrong_columns"), (3, {"sku": "POT", "name": "Pot"})]),
        (b"sku\nP\xf8T\nPOT\n", [(2, "not_utf8"), (3, {"sku": "POT"})]),
        (
            b'sku,name\n"MUG"x,Mug\nPOT,Pot\n',
            [(2, "unreadable"), (3, {"sku": "POT", "name": "Pot"})],
        ),
        (b'{"sku": \n{"sku": "POT"}\n', [(1, "unreadable"), (2, {"sku": "POT"})]),
        (b'{"sku": "P\xf8T"}\n{"sku": "POT"}\n', [(1, "not_utf8"), (2, {"sku": "POT"})]),
        (b'{"sku": "POT"}\n[]\n', [(1, {"sku": "POT"}), (2, "not_an_object")]),
        (b'["POT", {"sku": "POT"}]', [(1, "not_an_object"), (2, {"sku": "POT"})]),
        (b'[{"sku": "POT"}, {"sku": ', [(1, {"sku": "POT"}), (2, "unreadable")]),
        (b'[{"sku": "POT"}, {"sku": "P\xf8T"}]', [(1, {"sku": "POT"}), (2, "unreadable")]),
        (b"[]", []),
        (b"sku\n", []),
    ],
)
def test_a_line_that_cannot_be_read_does_not_stop_the_others(content, expected):
    assert said(content) == expected


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf \n", "empty"),
        ("sku\nMUG\n".encode("utf-16"), "UTF-16"),
        (b"sku,sku\nMUG,POT\n", "twice"),
        (b"sku,n\xf8me\nMUG,POT\n", "header"),
        (b"PK\x03\x04sku\nMUG\n", "header"),
        (b"sku\0,name\nMUG,POT\n", "header"),
    ],
)
def test_a_file_of_which_nothing_can_be_read_says_why(content: bytes, why: str):
    with pytest.raises(FileUnreadable, match=why):
        said(content)


def test_a_line_without_an_end_does_not_fill_the_memory(monkeypatch):
    monkeypatch.setattr(lines, "MAX_LINE_LENGTH", 100)

    with pytest.raises(FileUnreadable, match="longer than 100"):
        said(b"sku\n" + b"x" * 1000)


@pytest.mark.parametrize(
    "element",
    [b'{"sku": "' + b"x" * 2_000_000 + b'"}', b'{"sku": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"],
)
def test_an_element_that_would_fill_the_memory_ends_the_reading(element: bytes):
    assert said(b'[{"sku": "POT"}, ' + element + b"]") == [(1, {"sku": "POT"}), (2, "unreadable")]


def test_a_line_nested_beyond_reason_is_refused_alone():
    deep = b'{"sku": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"

    assert said(deep + b'\n{"sku": "POT"}') == [(1, "unreadable"), (2, {"sku": "POT"})]


def test_what_is_wrong_with_a_file_does_not_repeat_what_stands_in_it():
    lines_read = list(read_lines(BytesIO(b'[{"name": "secret"}] secret')))

    assert isinstance(lines_read[1], RefusedLine)
    assert "secret" not in lines_read[1].detail


def test_an_open_quote_does_not_swallow_the_rest_of_the_file():
    content = b'sku,name\nMUG,"Mug\n' + b"POT,Pot\n" * 20_000

    found = list(read_lines(BytesIO(content)))

    assert isinstance(found[0], RefusedLine)
    assert (found[0].line, found[0].code) == (2, "unreadable")
    assert SourceLine(20_001, {"sku": "POT", "name": "Pot"}) in found[-2:]


@pytest.mark.parametrize(
    ("content", "hint", "why"),
    [
        (b"sku,name\n", FileFormat.JSON, "not JSON"),
        (b"null", FileFormat.JSON, "not JSON"),
        (b"PK\x03\x04", FileFormat.JSON, "not JSON"),
        (b" \n", FileFormat.NDJSON, "empty"),
        (b"PK\x03\x04", FileFormat.CSV, "header"),
    ],
)
def test_a_file_that_is_not_what_it_is_called_is_refused(
    content: bytes, hint: FileFormat, why: str
):
    with pytest.raises(FileUnreadable, match=why):
        said(content, hint)


def test_a_header_of_which_nobody_knows_a_column_is_none():
    with pytest.raises(FileUnreadable, match="none of the columns"):
        list(read_lines(BytesIO(b"null\n"), FileFormat.CSV, {"sku"}.__contains__))


@pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")
def test_who_stops_reading_in_the_middle_leaves_nothing_to_complain_of():
    file = BytesIO(b"sku\nMUG\nPOT\n")
    lines_read = read_lines(file)
    next(lines_read)
    file.close()
    del lines_read
    gc.collect()

    assert file.closed


def test_a_called_form_is_believed():
    assert said(b"[x]\n1\n", FileFormat.CSV) == [(2, {"[x]": "1"})]
