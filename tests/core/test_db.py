"""Connections that the server dropped are replaced before a request meets them."""

import pytest
from sqlalchemy import text

from app.core import db as core
from app.core.db import db
from tests.databases import administration


@pytest.mark.only_on("postgresql")
def test_a_connection_whose_server_went_away_is_replaced(app, monkeypatch):
    monkeypatch.setattr(core, "_REST_SECONDS", -1.0)
    with app.app_context():
        pid = db.session.scalar(text("SELECT pg_backend_pid()"))
        db.session.remove()  # back into the pool, which keeps it
        with administration() as server:  # of another pool: this one may hand out any of its own
            server.execute("SELECT pg_terminate_backend(%s)", (pid,))
        for _ in range(3):
            assert db.session.scalar(text("SELECT 1")) == 1
            db.session.remove()
