"""Every refusal has a title that a reader can read."""

from collections.abc import Iterator

import pytest

import adapters.main  # noqa: F401 - so that every refusal is known
from adapters.http.web.problem_titles import (
    CATALOGS,
    TITLES_BY_CODE,
    TITLES_BY_STATUS,
    get_title,
    load_catalog,
)
from adapters.http.web.problems import STATUS_BY_ERROR, status_of
from domain.kernel import errors as refusals
from domain.kernel.errors import DomainError
from domain.kernel.locales import LOCALES

KINDS = set(STATUS_BY_ERROR)


def refusals_of_ours(kind: type[DomainError] = DomainError) -> Iterator[type[DomainError]]:
    for below in kind.__subclasses__():
        if below.__module__.split(".")[0] in {"domain", "service", "adapters"}:
            yield below
        yield from refusals_of_ours(below)


def test_every_code_of_its_own_has_a_title_of_its_own():
    general = {kind.code for kind in KINDS}
    special = {kind.code for kind in refusals_of_ours()} - general

    assert special - set(TITLES_BY_CODE) == set()
    assert len(special) > 10


def test_every_kind_of_refusal_has_a_status_and_a_title():
    kinds = {kind for kind in vars(refusals).values() if isinstance(kind, type)}
    told = {kind for kind in kinds if issubclass(kind, DomainError) and kind is not DomainError}

    assert {status_of(kind) for kind in told} <= set(TITLES_BY_STATUS)


def test_every_language_has_one_catalog():
    assert {file.stem for file in CATALOGS.iterdir()} == set(LOCALES)


@pytest.mark.parametrize("locale", LOCALES[1:])
def test_every_language_has_the_titles_of_english(locale: str):
    english, translated = load_catalog(LOCALES[0]), load_catalog(locale)

    assert translated.codes.keys() == english.codes.keys()
    assert translated.statuses.keys() == english.statuses.keys()


@pytest.mark.parametrize("locale", LOCALES)
def test_no_two_things_are_called_the_same_in_one_language(locale: str):
    titles = [
        title[LOCALES.index(locale)]
        for title in [*TITLES_BY_CODE.values(), *TITLES_BY_STATUS.values()]
    ]

    assert sorted(set(titles)) == sorted(titles)
    assert all(titles)


def test_what_nobody_named_has_the_title_of_its_status():
    assert get_title("something_new", 409, "sv") == TITLES_BY_STATUS[409][LOCALES.index("sv")]
