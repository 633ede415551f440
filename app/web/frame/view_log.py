"""Who saw a record with its whole numbers (spec 01: "view of unmasked personal data").

Kept once a day for each account and record, after the answer is on its way: nobody waits for it.
"""

from __future__ import annotations

import logging
from typing import Any

from flask import Flask, Response, after_this_request
from flask.globals import app_ctx
from sqlalchemy.exc import SQLAlchemyError

from app.access.audit import log as audit
from app.access.audit.log import Act, AuditEntry
from app.access.scope import current_actor
from app.core.clock import today

log = logging.getLogger(__name__)

_MOST_REMEMBERED = 100_000
_noted: set[Any] = set()


def note(register: str, row: Any) -> None:
    """The page that is being answered shows the whole of ``row``."""
    actor = current_actor()
    key = (actor and (actor.account_id, actor.token), row.id, today())
    if key in _noted:
        return
    entry = audit.entry_of(Act.VIEW, register=register, row=row)
    app = app_ctx.app

    @after_this_request
    def later(response: Response) -> Response:
        response.call_on_close(lambda: _write(app, entry, key))
        return response


def _write(app: Flask, entry: AuditEntry, key: Any) -> None:
    try:
        with app.app_context():
            audit.write(entry)
    except SQLAlchemyError:  # the answer is out; the next look is written again
        log.exception("a look at record %s was not written", entry.record_id)
        return
    if len(_noted) >= _MOST_REMEMBERED:
        _noted.clear()
    _noted.add(key)
