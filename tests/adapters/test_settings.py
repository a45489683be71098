"""The settings: what is wrong with them is said before anything starts."""

import os
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest

from adapters.settings import (
    RENAMED_SETTINGS,
    ProcessRole,
    Settings,
    SettingsError,
    read_settings,
    with_own_secret,
)

LONG = "a-secret-of-more-than-thirty-two-characters"
WEBHOOK = {
    "HYLLA_WEBHOOK_URL": "https://shop.example/in",
    "HYLLA_WEBHOOK_SECRET": "whsec_" + "YW55b25l" * 4,
}


def test_nothing_given_is_a_trial_on_this_machine(monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", "/home/somebody/.data")

    settings = read_settings({})

    assert str(settings.data) == "/home/somebody/.data/hylla"
    assert (settings.database_url, settings.base_url) == ("", "http://127.0.0.1:8000")


def test_every_setting_can_be_read_from_the_environment():
    settings = read_settings(
        {
            "HYLLA_PORT": "9000",
            "HYLLA_ROLE": "worker",
            "HYLLA_OTEL": "true",
            "HYLLA_PUBLIC_URL": "https://shop.example/hylla/",
            "HYLLA_HOST": "",
            "PATH": "/usr/bin",
        }
    )

    assert (settings.port, settings.role, settings.otel) == (9000, ProcessRole.WORKER, True)
    assert (settings.base_url, settings.host) == ("https://shop.example/hylla", "127.0.0.1")


def test_an_option_goes_before_the_environment():
    settings = read_settings({"HYLLA_PORT": "9000", "HYLLA_HOST": "::1"}, port=9001, host=None)

    assert (settings.port, settings.host) == (9001, "::1")


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        ("HYLLA_PORT", "99999", "HYLLA_PORT must be a whole number from 1 to 65535, not '99999'."),
        (
            "HYLLA_CURRENCY",
            "SEK\n",
            "HYLLA_CURRENCY must be three capital letters, such as EUR, not 'SEK\\n'.",
        ),
        ("HYLLA_WORKERS", "two", "HYLLA_WORKERS must be a whole number from 1 to 256, not 'two'."),
        (
            "HYLLA_RATE_LIMIT",
            "0",
            "HYLLA_RATE_LIMIT must be a whole number of at least 1, not '0'.",
        ),
        (
            "HYLLA_CURRENCY",
            "euro",
            "HYLLA_CURRENCY must be three capital letters, such as EUR, not 'euro'.",
        ),
        ("HYLLA_ROLE", "boss", "HYLLA_ROLE must be one of all, api, worker, not 'boss'."),
        ("HYLLA_OTEL", "maybe", "HYLLA_OTEL must be true or false, not 'maybe'."),
        (
            "HYLLA_PUBLIC_URL",
            "ftp://x",
            "HYLLA_PUBLIC_URL must be written as https://host/path, not 'ftp://x'.",
        ),
        ("HYLLA_WORKER", "2", "HYLLA_WORKER is not a setting; did you mean HYLLA_WORKERS?"),
        ("HYLLA_QQQQ", "2", "HYLLA_QQQQ is not a setting."),
        ("HYLLA_SECRET", "short", "HYLLA_SECRET must have at least 32 random characters."),
    ],
)
def test_a_wrong_setting_is_named_with_its_rule(variable, value, sentence):
    with pytest.raises(SettingsError) as refused:
        read_settings({variable: value})

    assert refused.value.errors == [sentence]


@pytest.mark.parametrize(
    ("given", "lacking"),
    [
        ({"HYLLA_DATABASE_URL": "postgresql://db/hylla"}, "HYLLA_SECRET"),
        ({"HYLLA_WORKERS": "13"}, "HYLLA_WORKERS"),
        ({"HYLLA_WORKERS": "2", "HYLLA_DB_POOL_SIZE": "100"}, "HYLLA_WORKERS"),
        ({"HYLLA_SMTP_URL": "smtp://mail:25"}, "HYLLA_SMTP_FROM"),
        ({"HYLLA_SMTP_URL": "mail:25", "HYLLA_SMTP_FROM": "shop@example.com"}, "HYLLA_SMTP_URL"),
        ({"HYLLA_WEBHOOK_URL": "https://shop.example/in"}, "HYLLA_WEBHOOK_SECRET"),
        ({**WEBHOOK, "HYLLA_WEBHOOK_SECRET": "whsec_short"}, "HYLLA_WEBHOOK_SECRET"),
        ({**WEBHOOK, "HYLLA_WEBHOOK_CHANNELS": "sms,pigeon"}, "HYLLA_WEBHOOK_CHANNELS"),
        ({"HYLLA_OIDC_ISSUER": "https://login.example"}, "HYLLA_OIDC_AUDIENCE"),
    ],
)
def test_a_setting_that_needs_another_says_so(given, lacking):
    with pytest.raises(SettingsError) as refused:
        read_settings(given)

    assert [fault.split()[0] for fault in refused.value.errors] == [lacking]


def test_what_the_data_folders_database_cannot_take_one_of_your_own_may():
    own = {"HYLLA_DATABASE_URL": "postgresql://db/hylla", "HYLLA_SECRET": LONG}

    assert read_settings({"HYLLA_WORKERS": "8"}).workers == 8
    assert read_settings({"HYLLA_WORKERS": "40", **own}).workers == 40


def test_who_derives_nothing_needs_no_secret():
    settings = read_settings({"HYLLA_DATABASE_URL": "postgresql://db/hylla"}, derives=False)

    assert settings.secret == ""
    with pytest.raises(SettingsError):
        read_settings({"HYLLA_SECRET": "short"}, derives=False)


def test_all_faults_are_told_at_once():
    with pytest.raises(SettingsError) as refused:
        read_settings({"HYLLA_PORT": "x", "HYLLA_HOTS": "y", "HYLLA_ROLE": "z"})

    assert len(refused.value.errors) == 3


def test_secrets_are_never_shown():
    settings = read_settings(
        {
            "HYLLA_SECRET": LONG,
            "HYLLA_DATABASE_URL": "postgresql://me:hunter2@db/hylla",
            "HYLLA_SMTP_URL": "smtp://me:hunter2@mail",
            "HYLLA_SMTP_FROM": "shop@example.com",
        }
    )

    assert settings.secret == LONG
    assert LONG not in repr(settings)
    assert "hunter2" not in repr(settings)


def test_the_data_folder_keeps_one_secret_for_its_owner_alone(tmp_path):
    settings = Settings(data=tmp_path / "data")
    with ThreadPoolExecutor(8) as starters:
        made = set(starters.map(lambda _: with_own_secret(settings).secret, range(8)))

    kept = tmp_path / "data/secret"

    assert len(made) == 1
    assert len(made.pop()) >= 32
    assert kept.stat().st_mode & 0o777 == 0o600
    assert os.listdir(tmp_path / "data") == ["secret"]  # noqa: PTH208 - names only


def test_a_given_secret_leaves_the_data_folder_alone(tmp_path):
    settings = msgspec.structs.replace(Settings(data=tmp_path), secret=LONG)

    assert with_own_secret(settings) is settings
    assert list(tmp_path.iterdir()) == []


def test_the_page_of_settings_names_every_setting_and_no_other():
    page = (Path(__file__).parents[2] / "docs/operations/settings.md").read_text()

    explained = {
        name
        for line in page.splitlines()
        if line.startswith("| HYLLA_")
        for name in re.findall(r"HYLLA_[A-Z_]+", line.split("|")[1])
    }

    assert explained == {f"HYLLA_{field.upper()}" for field in Settings.__struct_fields__}


@pytest.mark.parametrize(("old", "new"), RENAMED_SETTINGS.items())
def test_a_setting_by_its_old_name_is_refused_with_its_new_one(old: str, new: str):
    variable = f"HYLLA_{old.upper()}"
    with pytest.raises(SettingsError) as refused:
        read_settings({variable: "1"})

    assert str(refused.value) == (
        f"{variable} is named HYLLA_{new.upper()} now; the values are the same."
    )
    assert new in Settings.__struct_fields__


def test_every_variable_that_code_and_docs_name_is_a_setting():
    root = Path(__file__).parents[2]
    files = [
        *(
            file
            for folder in ("adapters", "service", "domain")
            for file in (root / folder).rglob("*.py")
        ),
        *(root / "docs").rglob("*.md"),
        root / "README.md",
        root / "Makefile",
    ]
    named = {
        name
        for file in files
        if file.name != "upgrading.md"
        for name in re.findall(r"HYLLA_[A-Z_]*[A-Z]\b", file.read_text())
    }

    settings = {f"HYLLA_{field.upper()}" for field in Settings.__struct_fields__}
    assert named - settings <= {"HYLLA_DAYS"}  # of the tests that live through days of chance
