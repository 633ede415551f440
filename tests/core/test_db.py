"""Connections that the server dropped are replaced before a request meets them."""

from sqlalchemy import text

from app.core import db as core
from app.core.db import db


def test_a_connection_whose_server_went_away_is_replaced(app, monkeypatch):
    monkeypatch.setattr(core, "_REST_SECONDS", -1.0)
    with app.app_context():
        if db.engine.dialect.name == "sqlite":
            assert db.session.scalar(text("SELECT 1")) == 1
            return
        pid = db.session.scalar(text("SELECT pg_backend_pid()"))
        db.session.remove()  # back into the pool, which keeps it
        other = db.engine.execution_options(isolation_level="AUTOCOMMIT")
        held = db.engine.raw_connection()  # the rested one is in use, so the next is another
        with other.connect() as connection:
            connection.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
        held.close()
        for _ in range(3):
            assert db.session.scalar(text("SELECT 1")) == 1
            db.session.remove()
