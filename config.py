"""Settings. The only module that reads the environment.

| variable | default | meaning |
|---|---|---|
| ANJU_ENV | development | ``production`` demands SECRET_KEY and sends cookies over HTTPS only |
| DATABASE_URL | sqlite file var/anju.db | ``postgresql://user:password@host/name`` for everything real |
| SECRET_KEY | made once in var/secret_key | signs sessions; the same for all workers |
| BORDERS_FILE | | map of counties instead of our own, see app/access/divisions/borders.py |
| STORAGE_DIR | var/files | folder (or mounted store) that holds uploads and exports |
| STORAGE_URL | | S3-compatible store that holds them instead: ``https://s3.example.gov.cn`` |
| STORAGE_BUCKET, STORAGE_REGION | , us-east-1 | its bucket, which exists, and the region to sign for |
| STORAGE_KEY, STORAGE_SECRET | | account that may read, write and delete in the bucket |
| STORAGE_BUCKET_IN_HOST | 0 | 1 where the store wants ``bucket.host`` instead of ``host/bucket`` |
| STORAGE_CA | | file with the certificate of the store's own authority, if it has one |
| TEMPLATE_CACHE_DIR | | folder that only the program writes to; its processes find compiled |
|   |   | templates there and start a second faster |
| CAPTCHA_ENABLED | 1 | 0 turns the captcha at login off, for automation |
| SESSION_IDLE_MINUTES | 60 | a session ends after so long without a click |
| PUBLIC_URL | | where people reach the pages: ``https://anju.example.gov.cn``; the codes |
|   |   | printed on papers lead there. Unset: the address of the request |
| PROXIES | 0 | how many proxies in front may set X-Forwarded-For and -Proto |
| MODULES_WITHOUT | | modules to leave out, by the names of their folders: ``craftsmen,…``; their |
|   |   | tables stay, their jobs wait for a program that has them |
| HOST, PORT | 127.0.0.1, 8080 | where ``make run`` listens |
| WEB_WORKERS, WEB_THREADS | 2, 3 | web processes, threads in each; more threads only where no |
|   |   | proxy stands in front and slow uploads would hold them |
| ANJU_BENCH | 0 | 1 tells the number of SQL statements in a response header |
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent
VAR = ROOT / "var"

_MIB = 1024 * 1024
_LOOPBACK = {"127.0.0.1", "[::1]", "localhost"}


class ConfigError(Exception):
    """A setting is missing or makes no sense; the text says which and what to do."""


def load(environ: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """Flask settings from environment variables.

    Raises ConfigError for a value that cannot be used and for what production lacks.
    """
    production = _one_of(environ, "ANJU_ENV", ("development", "production")) == "production"
    url = database_url(environ.get("DATABASE_URL", ""))
    workers, threads = _number(environ, "WEB_WORKERS", 2), _number(environ, "WEB_THREADS", 3)
    idle = _number(environ, "SESSION_IDLE_MINUTES", 60)
    return {
        "PRODUCTION": production,
        "SECRET_KEY": _secret_key(environ, production=production),
        "SQLALCHEMY_DATABASE_URI": url,
        "SQLALCHEMY_ENGINE_OPTIONS": engine_options(url, threads),
        "BORDERS_FILE": Path(file) if (file := environ.get("BORDERS_FILE")) else None,
        "STORAGE_DIR": str(Path(environ.get("STORAGE_DIR") or VAR / "files").resolve()),
        "TEMPLATE_CACHE": environ.get("TEMPLATE_CACHE_DIR") or None,
        "STORAGE_BUCKET": storage_bucket(environ, production=production),
        "CAPTCHA_ENABLED": _switch(environ, "CAPTCHA_ENABLED", default=True),
        "BENCH": _switch(environ, "ANJU_BENCH", default=False),
        "PUBLIC_URL": public_url(environ, production=production),
        "PROXIES": _number(environ, "PROXIES", 0, least=0),
        "HOST": environ.get("HOST") or "127.0.0.1",
        "PORT": _number(environ, "PORT", 8080),
        "WEB_WORKERS": workers,
        "WEB_THREADS": threads,
        # Sessions and cookies. The idle clock is ours; the cookie itself outlives a working day.
        "SESSION_IDLE_MINUTES": idle,
        "PERMANENT_SESSION_LIFETIME": timedelta(hours=14),
        "SESSION_COOKIE_NAME": "anju",
        "SESSION_REFRESH_EACH_REQUEST": False,  # the idle clock renews it, every half minute
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": production,
        "REMEMBER_COOKIE_HTTPONLY": True,
        "REMEMBER_COOKIE_SAMESITE": "Lax",
        "REMEMBER_COOKIE_SECURE": production,
        "WTF_CSRF_TIME_LIMIT": None,  # a form may stay open as long as its session lives
        # Requests: an import of 100,000 rows is some 12 MiB, three photos from a phone 30 MiB.
        "MAX_CONTENT_LENGTH": 40 * _MIB,
        "MAX_FORM_MEMORY_SIZE": 2 * _MIB,
        "MAX_FORM_PARTS": 2000,
        "SEND_FILE_MAX_AGE_DEFAULT": timedelta(hours=1),
        "COMPRESS_ALGORITHM": ["br", "gzip"],
        "COMPRESS_BR_LEVEL": 3,
        "COMPRESS_LEVEL": 5,
        "COMPRESS_MIN_SIZE": 800,
        # Languages
        "LANGUAGES": {
            "zh": {"flag": "cn", "name": "中文"},
            "en": {"flag": "gb", "name": "English"},
        },
        "BABEL_DEFAULT_LOCALE": "zh",
        "BABEL_DEFAULT_TIMEZONE": "Asia/Shanghai",
        "BABEL_TRANSLATION_DIRECTORIES": str(ROOT / "translations"),
        # Flask-AppBuilder: Alembic owns the tables, the deploy step owns permissions, and what it
        # would add by itself (REST of users and roles, statistics views, sign-up) stays off.
        "APP_NAME": "安居",
        "AUTH_TYPE": 1,  # flask_appbuilder.const.AUTH_DB
        "AUTH_USER_REGISTRATION": False,
        "AUTH_RATE_LIMITED": False,  # lock-out is ours: per account and per address, in the database
        "RATELIMIT_ENABLED": False,
        "FAB_CREATE_DB": False,
        "FAB_UPDATE_PERMS": False,
        "FAB_ADD_SECURITY_API": False,
        "FAB_ADD_OPENAPI_VIEWS": False,
        "FAB_ADD_MENU_API": False,
        "FAB_API_SWAGGER_UI": False,
        "FAB_API_SHOW_STACKTRACE": False,
        "FAB_ALLOW_GET_UNSAFE_MUTATIONS": False,
        "FAB_SECURITY_SIGNALS_ENABLED": False,
        "FAB_SAFE_REDIRECT_HOSTS": [],
    }


def database_url(text: str) -> str:
    """The SQLAlchemy URL for what an administrator writes: any PostgreSQL spelling gets psycopg 3."""
    if not text:
        VAR.mkdir(exist_ok=True)
        return f"sqlite:///{VAR / 'anju.db'}"
    scheme, colon, rest = text.partition("://")
    if not colon:
        raise ConfigError(f"DATABASE_URL is no URL: {text!r}")
    if scheme in {"postgres", "postgresql", "postgresql+psycopg"}:
        return f"postgresql+psycopg://{rest}"
    if scheme == "sqlite":
        path = Path(rest.removeprefix("/"))
        return f"sqlite:///{path if path.is_absolute() else ROOT / path}"
    raise ConfigError(
        f"DATABASE_URL begins with {scheme!r}; only postgresql and sqlite are supported"
    )


def storage_bucket(environ: Mapping[str, str], *, production: bool) -> dict[str, Any] | None:
    """What :class:`app.core.files.bucket.BucketStorage` is made of; None for files in a folder.

    Raises ConfigError for half a store, for two, and where files would cross a network in clear.
    """
    given = {name for name in environ if name.startswith("STORAGE_") and environ[name]}
    if "STORAGE_URL" not in given:
        if lone := given - {"STORAGE_DIR"}:
            raise ConfigError(
                f"{min(lone)} is set but STORAGE_URL is not; or unset it for a folder"
            )
        return None
    if "STORAGE_DIR" in given:
        raise ConfigError("STORAGE_DIR and STORAGE_URL are both set; files lie in one of them only")
    for name in ("STORAGE_BUCKET", "STORAGE_KEY", "STORAGE_SECRET"):
        if name not in given:
            raise ConfigError(f"{name} is not set; the store at STORAGE_URL needs it")
    url = environ["STORAGE_URL"].rstrip("/")
    if not (parts := re.fullmatch(r"(https?)://([a-z0-9.-]+|\[[0-9a-f:]+\])(:\d+)?", url)):
        raise ConfigError("STORAGE_URL makes no sense; it must be like https://s3.example.gov.cn")
    if production and parts[1] == "http" and parts[2] not in _LOOPBACK:
        raise ConfigError("STORAGE_URL begins with http; production sends files over https only")
    bucket = environ["STORAGE_BUCKET"]
    if not re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", bucket):
        raise ConfigError(
            f"STORAGE_BUCKET is {bucket!r}; it may have 3 to 63 small letters, digits, . and -"
        )
    ca = environ.get("STORAGE_CA", "")
    if ca and not Path(ca).is_file():
        raise ConfigError(f"STORAGE_CA is {ca!r}; there is no such file")
    return {
        "url": url,
        "bucket": bucket,
        "region": environ.get("STORAGE_REGION") or "us-east-1",
        "key": environ["STORAGE_KEY"],
        "secret": environ["STORAGE_SECRET"],
        "in_host": _switch(environ, "STORAGE_BUCKET_IN_HOST", default=False),
        "ca": ca,
    }


def public_url(environ: Mapping[str, str], *, production: bool) -> str:
    """The address of the home page without its last slash, or "".

    Raises ConfigError for what is none, and for one that would lead people over a clear line.
    """
    url = environ.get("PUBLIC_URL", "").strip().rstrip("/")
    if not url:
        return ""
    if not (parts := re.fullmatch(r"(https?)://([A-Za-z0-9.-]+|\[[0-9a-f:]+\])(:\d+)?", url)):
        raise ConfigError("PUBLIC_URL makes no sense; it must be like https://anju.example.gov.cn")
    if production and parts[1] == "http":
        raise ConfigError("PUBLIC_URL begins with http; production is reached over https only")
    return url


def engine_options(url: str, threads: int) -> dict[str, Any]:
    """Pool settings: one connection a thread on PostgreSQL, so that no request waits for one.

    Whether a rested connection still lives is asked in app.core.db.
    """
    if url.startswith("sqlite"):
        return {"hide_parameters": True}
    return {
        "hide_parameters": True,  # names and ID numbers stay out of logs
        "pool_size": threads,
        "max_overflow": 4,
        "pool_recycle": 1800,
        # Dates without a zone and sorts never depend on how the server was set up.
        "connect_args": {"options": "-c timezone=UTC", "application_name": "anju"},
    }


def _secret_key(environ: Mapping[str, str], *, production: bool) -> str:
    key = environ.get("SECRET_KEY", "")
    if key:
        if production and len(key) < 32:
            raise ConfigError("SECRET_KEY is too short: production needs 32 characters or more")
        return key
    if production:
        raise ConfigError(
            "SECRET_KEY is not set. Make one with "
            'python -c "import secrets; print(secrets.token_hex(32))" and keep it secret.'
        )
    VAR.mkdir(exist_ok=True)
    kept = VAR / "secret_key"
    if not kept.exists():
        _make_once(kept, secrets.token_hex(32))
    return kept.read_text(encoding="ascii")


def _make_once(path: Path, text: str) -> None:
    """Write a file for the owner's eyes; of workers that start together the first one wins."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as file:
        file.write(text)
    try:
        path.hardlink_to(draft)  # unlike a rename this never replaces a key that is in use
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def modules_without(environ: Mapping[str, str] = os.environ) -> frozenset[str]:
    """The modules that are left out; asked before the application is made, as they are imported then."""
    names = (name.strip() for name in environ.get("MODULES_WITHOUT", "").split(","))
    return frozenset(name for name in names if name)


def _one_of(environ: Mapping[str, str], name: str, allowed: tuple[str, ...]) -> str:
    value = environ.get(name) or allowed[0]
    if value not in allowed:
        raise ConfigError(f"{name} is {value!r}; it may be {' or '.join(allowed)}")
    return value


def _switch(environ: Mapping[str, str], name: str, *, default: bool) -> bool:
    value = environ.get(name, "").strip().lower()
    if value in {"", "0", "false", "off", "no", "1", "true", "on", "yes"}:
        return value in {"1", "true", "on", "yes"} if value else default
    raise ConfigError(f"{name} is {value!r}; it may be 0 or 1")


def _number(environ: Mapping[str, str], name: str, default: int, *, least: int = 1) -> int:
    value = environ.get(name) or str(default)
    if not value.isascii() or not value.isdigit() or int(value) < least:
        raise ConfigError(f"{name} is {value!r}; it must be a whole number from {least} up")
    return int(value)
