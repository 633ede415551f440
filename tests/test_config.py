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


STORE = {
    "SECRET_KEY": "k" * 32,
    "STORAGE_URL": "https://s3.example.gov.cn/",
    "STORAGE_BUCKET": "anju-files",
    "STORAGE_KEY": "account",
    "STORAGE_SECRET": "secret",
}


def test_files_lie_in_a_folder_unless_a_store_is_named():
    assert config.load({"SECRET_KEY": "x"})["STORAGE_BUCKET"] is None
    assert config.load(STORE)["STORAGE_BUCKET"] == {
        "url": "https://s3.example.gov.cn",
        "bucket": "anju-files",
        "region": "us-east-1",
        "key": "account",
        "secret": "secret",
        "in_host": False,
        "ca": "",
    }


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"STORAGE_URL": ""}, "STORAGE_BUCKET is set but STORAGE_URL is not"),
        ({"STORAGE_DIR": "/srv/files"}, "STORAGE_DIR and STORAGE_URL are both set"),
        ({"STORAGE_BUCKET": ""}, "STORAGE_BUCKET is not set"),
        ({"STORAGE_KEY": ""}, "STORAGE_KEY is not set"),
        ({"STORAGE_SECRET": ""}, "STORAGE_SECRET is not set"),
        ({"STORAGE_URL": "s3://anju"}, "STORAGE_URL makes no sense"),
        ({"STORAGE_URL": "https://s3.example.gov.cn/anju"}, "STORAGE_URL makes no sense"),
        ({"STORAGE_URL": "https://[s3"}, "STORAGE_URL makes no sense"),
        ({"STORAGE_URL": "https://account:word@s3.example.gov.cn"}, "STORAGE_URL makes no sense"),
        ({"STORAGE_BUCKET": "Anju_Files"}, "STORAGE_BUCKET is 'Anju_Files'"),
        ({"STORAGE_BUCKET_IN_HOST": "perhaps"}, "STORAGE_BUCKET_IN_HOST"),
        ({"STORAGE_CA": "/no/such.pem"}, "STORAGE_CA"),
    ],
)
def test_half_a_store_is_refused(change, told):
    with pytest.raises(config.ConfigError, match=told):
        config.load(STORE | change)


def test_production_sends_files_over_https_only():
    clear = STORE | {"STORAGE_URL": "http://10.0.0.5:8333"}
    assert config.load(clear)["STORAGE_BUCKET"]["url"] == "http://10.0.0.5:8333"
    with pytest.raises(config.ConfigError, match="https only"):
        config.load(clear | {"ANJU_ENV": "production"})
    beside = clear | {"ANJU_ENV": "production", "STORAGE_URL": "http://127.0.0.1:8333"}
    assert config.load(beside)["STORAGE_BUCKET"]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("", ""),
        ("https://anju.example.gov.cn/", "https://anju.example.gov.cn"),
        ("http://10.0.0.5:8080", "http://10.0.0.5:8080"),
    ],
)
def test_where_people_reach_the_pages(given, kept):
    assert config.load({"PUBLIC_URL": given})["PUBLIC_URL"] == kept


@pytest.mark.parametrize(
    "given", ["anju.example.gov.cn", "https://a b", "https://x/anju", "ftp://x"]
)
def test_an_address_that_is_none_is_refused(given):
    with pytest.raises(config.ConfigError, match="PUBLIC_URL makes no sense"):
        config.load({"PUBLIC_URL": given})


def test_production_is_reached_over_https_only():
    clear = {"ANJU_ENV": "production", "SECRET_KEY": "x" * 40, "PUBLIC_URL": "http://10.0.0.5"}
    with pytest.raises(config.ConfigError, match="https only"):
        config.load(clear)
