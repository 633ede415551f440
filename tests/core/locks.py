"""No page is made within a transaction, nor while SQLite's one write lock is held: making one takes
longer than a save, and everybody else who saves would wait for it.
"""

from __future__ import annotations

import threading
from typing import Any

from flask import Flask, before_render_template
from jinja2 import Template
from sqlalchemy import Connection, Engine, Pool, event

from app.core.transactions import is_open

_here = threading.local()
_made: list[str | None] = []


def made_meanwhile() -> list[str | None]:
    """The pages that were made so since this was asked last."""
    found = _made.copy()
    _made.clear()
    return found


@before_render_template.connect
def _look(_app: Flask, template: Template, **_context: Any) -> None:
    if is_open() or getattr(_here, "locks", False):
        _made.append(template.name)


@event.listens_for(Engine, "before_cursor_execute")
def _note(_connection: Connection, _cursor: Any, text: str, *_more: Any) -> None:
    if text in ("BEGIN IMMEDIATE", "COMMIT"):
        _here.locks = text != "COMMIT"


@event.listens_for(Engine, "commit")
@event.listens_for(Engine, "rollback")
@event.listens_for(Pool, "checkin")
def _note_end(*_given_back: object) -> None:
    _here.locks = False
