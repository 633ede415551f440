"""The databases that are measured: made once for each size, kept below var/bench/ for the next run."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import Engine, create_engine, make_url, text

from tools import postgresql

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "var" / "bench"

_MAKERS = (
    "bench/bulk.py",
    "bench/data.py",
    "bench/fill.py",
    "bench/registers.py",
    "tests/specimens.py",
)

#: What an administrator would set on a small server. Durability stays as PostgreSQL ships it.
SETTINGS = {
    "shared_buffers": "2GB", "effective_cache_size": "8GB", "work_mem": "32MB",
    "maintenance_work_mem": "1GB", "max_wal_size": "8GB", "checkpoint_timeout": "30min",
    "random_page_cost": "1.1", "jit": "off",
}  # fmt: skip


@contextmanager
def database(kind: str, rows: int, server: str | None) -> Iterator[str]:
    """SQLAlchemy URL of a filled database; built when there is none or its making has changed."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    if kind == "sqlite":
        url = f"sqlite:///{FOLDER / f'anju_{rows}.db'}"
        _fill_if_stale(url, rows)
        yield url
        return
    with _postgresql(server) as address:
        url = make_url(address).set(
            drivername="postgresql+psycopg", database=f"anju_bench_{rows}"
        ).render_as_string(hide_password=False)  # fmt: skip
        _create(address, f"anju_bench_{rows}")
        _fill_if_stale(url, rows)
        yield url


@contextmanager
def _postgresql(server: str | None) -> Iterator[str]:
    """URL of the server: the given one, else the wheel's, with its data kept between runs."""
    if server:
        yield server
        return
    running = postgresql.start(FOLDER / "postgresql", SETTINGS, keep=True)
    try:
        yield running.get_uri()
    finally:
        running.cleanup()


def _create(address: str, name: str) -> None:
    with psycopg.connect(address, autocommit=True) as connection:
        found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
        if found.fetchone() is None:
            connection.execute(f"CREATE DATABASE \"{name}\" TEMPLATE template0 ENCODING 'UTF8'")


def _fill_if_stale(url: str, rows: int) -> None:
    engine = create_engine(url)
    wanted = _digest()
    if _stamp(engine) == wanted:
        flask(url, "deploy")
    else:
        print(f"building {rows:,} households; this is kept for the next run", flush=True)
        _empty(engine)
        flask(url, "deploy")
        # In a process of its own: the program's engine settings apply, and its memory goes back.
        subprocess.run(
            [sys.executable, "-m", "bench.fill", str(rows)],
            cwd=ROOT, env=environment(url), check=True,
        )  # fmt: skip
        with engine.begin() as connection:
            connection.execute(text("CREATE TABLE bench_stamp (digest VARCHAR(64))"))
            connection.execute(text("INSERT INTO bench_stamp VALUES (:digest)"), {"digest": wanted})
    engine.dispose()


def _stamp(engine: Engine) -> str | None:
    try:
        with engine.connect() as connection:
            return connection.scalar(text("SELECT digest FROM bench_stamp"))
    except Exception:  # noqa: BLE001 (no such table, no such file: not filled)
        return None


def _empty(engine: Engine) -> None:
    if engine.dialect.name == "sqlite":
        engine.dispose()
        for suffix in ("", "-wal", "-shm"):
            Path(f"{engine.url.database}{suffix}").unlink(missing_ok=True)
        return
    with engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))


def _digest() -> str:
    """Changes when the first tables or the making of data change; later migrations are just run."""
    made = hashlib.sha256()
    first = min(ROOT.glob("migrations/versions/*.py"))
    for path in (first, *map(ROOT.joinpath, _MAKERS)):
        made.update(path.read_bytes())
    return made.hexdigest()


def environment(url: str, **more: str) -> dict[str, str]:
    """Environment variables for a process of the program on this database."""
    settings = {
        "DATABASE_URL": url.replace("postgresql+psycopg", "postgresql"),
        "SECRET_KEY": "only for measuring",
        "STORAGE_DIR": str(FOLDER / "files"),
        "CAPTCHA_ENABLED": "0",
        "ANJU_BENCH": "1",
        "FLASK_APP": "app:create_app",
        "PYTHONPATH": str(ROOT),
    }
    return os.environ | settings | more


def flask(url: str, *arguments: str) -> None:
    """Run a command of the program on this database."""
    subprocess.run(
        [sys.executable, "-m", "flask", *arguments], cwd=ROOT, env=environment(url), check=True
    )


def describe(url: str) -> dict[str, Any]:
    """Version and size of the database, for the report."""
    engine = create_engine(url)
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            version = str(connection.scalar(text("SHOW server_version")))
            size = connection.scalar(text("SELECT pg_database_size(current_database())")) or 0
        else:
            version = str(connection.scalar(text("SELECT sqlite_version()")))
            size = Path(engine.url.database or "").stat().st_size
    engine.dispose()
    return {"version": version, "megabytes": round(size / 1e6)}
