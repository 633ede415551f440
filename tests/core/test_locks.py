"""A page that is made while others wait is seen; how the whole suite looks is told in tests/core/locks.py."""

from __future__ import annotations

import pytest
from flask import Flask, render_template_string
from sqlalchemy import literal, select

from app.core.db import db, read_only, set_read_only
from app.core.transactions import transaction
from tests.core import locks


@pytest.mark.one_database
def test_a_page_within_a_transaction_is_seen(app: Flask) -> None:
    with app.test_request_context():
        set_read_only(value=True)
        db.session.execute(select(literal(1)))
        render_template_string("read")
        assert locks.made_meanwhile() == []
        with transaction():
            render_template_string("kept waiting")
        render_template_string("done")
        assert len(locks.made_meanwhile()) == 1


@pytest.mark.only_on("sqlite")  # PostgreSQL locks rows
def test_a_page_while_the_database_is_locked_is_seen(app: Flask) -> None:
    with app.test_request_context():
        with read_only(value=False):
            db.session.execute(select(literal(1)))
        render_template_string("kept waiting")
        db.session.rollback()
        render_template_string("done")
        assert len(locks.made_meanwhile()) == 1
