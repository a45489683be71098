"""The log: readable by machines, silent about people and secrets."""

import contextlib
import io
import json
import logging
import sys

import pytest
import structlog

from adapters import logs


@pytest.fixture
def lines():
    root, written = logging.getLogger(), io.StringIO()
    handlers, level = root.handlers[:], root.level
    with contextlib.redirect_stderr(written):
        logs.configure("info")
    yield lambda: [json.loads(line) for line in written.getvalue().splitlines()]
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def test_a_line_is_json_and_carries_the_request(lines):
    with structlog.contextvars.bound_contextvars(request_id="req_1"):
        structlog.get_logger("shop").info("order placed", order="ord_1", total=1299)

    (line,) = lines()

    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "order placed",
        "level": "info",
        "logger": "shop",
        "order": "ord_1",
        "request_id": "req_1",
        "total": 1299,
    }


def test_the_server_and_the_libraries_speak_the_same_way(lines):
    logging.getLogger("_granian").info("Listening at: %s", "http://127.0.0.1:8000")

    (line,) = lines()

    assert (line["event"], line["logger"]) == ("Listening at: http://127.0.0.1:8000", "_granian")


def test_a_level_below_the_chosen_one_is_left_out(lines):
    structlog.get_logger("shop").debug("detail")

    assert lines() == []


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("for somebody@example.com today", "for *** today"),
        ("call +47 401 23 456 now", "call *** now"),
        ("Authorization: Bearer abc.def-123", "Authorization: Bearer ***"),
        ("key sk_8Zx0aaaaaaaaaaaa refused", "key *** refused"),
        ("signed with whsec_dGVzdA==aaaa here", "signed with *** here"),
        ("paid by pi_3abc_secret_4Def now", "paid by *** now"),
        ("token eyJhbGciOi.eyJzdWIi.c2ln bad", "token *** bad"),
        ("at postgresql://hylla:hunter2@db/hylla", "at postgresql://hylla:***@db/hylla"),
        (f"opened by ord_0192f0c1.{'5f2a' * 8}", "opened by ***"),
        ("ord_0192f0c1 has 3 lines of 85123A", "ord_0192f0c1 has 3 lines of 85123A"),
        ("at 2026-11-23T10:15:00+01:00", "at 2026-11-23T10:15:00+01:00"),
    ],
)
def test_people_and_secrets_in_a_text_are_blanked(lines, said, written):
    structlog.get_logger("shop").info(said)

    assert lines()[0]["event"] == written


def test_private_fields_are_blanked_however_deep(lines):
    structlog.get_logger("shop").info("x", email="a@b.example", about={"Phone": "1", "sku": "A1"})

    (line,) = lines()

    assert (line["email"], line["about"]) == ("***", {"Phone": "***", "sku": "A1"})


class Duplicate(Exception):
    """As a database says it, with the row."""

    sqlstate = "23505"


@pytest.mark.parametrize("logger", [structlog.get_logger, logging.getLogger])
@pytest.mark.parametrize(
    "given", [lambda trouble: trouble, lambda _: True, lambda _: sys.exc_info()]
)
def test_an_exception_is_told_without_its_words(lines, logger, given):
    try:
        put_twice()
    except Duplicate as trouble:
        logger("shop").error("failed", exc_info=given(trouble))

    (line,) = lines()

    assert "Sample Customer" not in json.dumps(line)
    assert (line["event"], line["error"], line["sqlstate"]) == ("failed", "Duplicate", "23505")
    assert line["trace"][-1].startswith(f"{__file__}:")
    assert line["trace"][-1].endswith(" put_twice")


def put_twice() -> None:
    raise Duplicate("DETAIL: Key (name)=(Sample Customer) already exists.") from ValueError(
        "Sample Customer again"
    )


def test_no_exception_in_hand_is_no_trouble(lines):
    structlog.get_logger("shop").error("failed", exc_info=True)

    assert "error" not in lines()[0]
