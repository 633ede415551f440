"""Settings: what the environment may say, and what it is told when it may not."""

import stat

import pytest

import config


def test_sqlite_below_the_project_is_the_default():
    url = config.load({"SECRET_KEY": "x"})["SQLALCHEMY_DATABASE_URI"]
    assert url == f"sqlite:///{config.ROOT}/var/anju.db"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("postgres://u:p@h/d", "postgresql+psycopg://u:p@h/d"),
        ("postgresql://u:p@h:5433/d?sslmode=require", "postgresql+psycopg://u:p@h:5433/d?sslmode=require"),
        ("postgresql+psycopg://u@/d?host=/tmp", "postgresql+psycopg://u@/d?host=/tmp"),
        ("sqlite:////data/anju.db", "sqlite:////data/anju.db"),
        ("sqlite:///other.db", f"sqlite:///{config.ROOT}/other.db"),
    ],
)  # fmt: skip
def test_database_url(written, meant):
    assert config.database_url(written) == meant


@pytest.mark.parametrize("wrong", ["mysql://h/d", "anju.db"])
def test_database_url_of_another_kind_is_refused(wrong):
    with pytest.raises(config.ConfigError, match="DATABASE_URL"):
        config.database_url(wrong)


def test_production_demands_a_secret_key():
    with pytest.raises(config.ConfigError, match="SECRET_KEY is not set"):
        config.load({"ANJU_ENV": "production"})
    with pytest.raises(config.ConfigError, match="too short"):
        config.load({"ANJU_ENV": "production", "SECRET_KEY": "short"})


def test_production_sends_cookies_over_https_only():
    settings = config.load({"ANJU_ENV": "production", "SECRET_KEY": "k" * 32})
    assert settings["SESSION_COOKIE_SECURE"]
    assert settings["REMEMBER_COOKIE_SECURE"]


def test_development_makes_one_key_and_keeps_it_to_itself(tmp_path, monkeypatch):
    monkeypatch.setattr(config, "VAR", tmp_path)
    first = config.load({})["SECRET_KEY"]
    assert len(first) == 64
    assert config.load({})["SECRET_KEY"] == first
    assert stat.S_IMODE((tmp_path / "secret_key").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["secret_key"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ANJU_ENV", "staging"),
        ("CAPTCHA_ENABLED", "perhaps"),
        ("PORT", "http"),
        ("PORT", "-1"),
        ("WEB_WORKERS", "0"),
        ("SESSION_IDLE_MINUTES", "½"),
    ],
)
def test_a_wrong_value_is_named(name, value):
    with pytest.raises(config.ConfigError, match=name):
        config.load({"SECRET_KEY": "x", name: value})


def test_captcha_is_on_unless_turned_off():
    assert config.load({"SECRET_KEY": "x"})["CAPTCHA_ENABLED"]
    assert not config.load({"SECRET_KEY": "x", "CAPTCHA_ENABLED": "0"})["CAPTCHA_ENABLED"]
