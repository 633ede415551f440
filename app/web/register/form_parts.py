"""Around a record's form: the next one of its list, what was typed by whom, links in messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from markupsafe import Markup
from sqlalchemy import select
from werkzeug.datastructures import MultiDict

from app.access.actor import Actor, Capability
from app.access.audit.log import Act, AuditEntry
from app.core.db import db
from app.core.errors import AnjuError
from app.kernel.declare.flow import EDITABLE
from app.kernel.declare.register import Register
from app.kernel.declare.rules import Problem
from app.kernel.lists.query import Query, parse
from app.kernel.lists.queue import Queue
from app.kernel.records import places
from app.web.frame import shell


def following(register: Register, row: Any, actor: Actor) -> str | None:
    """The form of the next record to be filled in, in the list as it was last shown."""
    query = _list_query(register, actor)
    if register.creates is not None:
        return None  # after one is made the next one is made
    states = tuple(s for s in query.states if s in EDITABLE) or EDITABLE
    queue = Queue(db.session, register, actor, Capability.ENTER, states, query)
    found = queue.beside(row)
    return f"/{register.name}/{found}/edit" if found else None


def _list_query(register: Register, actor: Actor) -> Query:
    menu = next((m for m in register.menus if Capability.ENTER in (m.capability, m.also)), None)
    if menu is None:
        return Query()
    asked = urlsplit(shell.list_url(f"/{register.name}/{menu.name}")).query
    try:
        return parse(register, MultiDict(parse_qsl(asked)), db.session, actor)
    except AnjuError:  # a division that was merged since: then simply the next one
        return Query()


def touched(register: Register, form: Mapping[str, str]) -> set[str] | None:
    """The fields that this person changed, as the page's script says; None without a script."""
    if "touched" not in form:
        return None
    return {n for n in form["touched"].split() if n in register.fields or n == places.FIELD}


def last_saver(row: Any) -> str | None:
    """The account that saved the record last."""
    query = (
        select(AuditEntry.account_name)
        .where(
            AuditEntry.record_id == row.id,
            AuditEntry.act.in_((Act.CREATE, Act.UPDATE, Act.TRANSITION, Act.DELETE, Act.IMPORT)),
        )
        .order_by(AuditEntry.at.desc(), AuditEntry.id.desc())
        .limit(1)
    )
    return db.session.scalar(query)


def with_link(text: str, label: str, url: str | None) -> str | Markup:
    """A message that ends with a link, where there is one to follow."""
    if url is None:
        return text
    return Markup('{} <a class="btn btn-plain btn-sm" href="{}">{}</a>').format(text, url, label)


def judged(register: Register, problems: Sequence[Problem], *, saved: bool = False) -> str:
    """Of which fields the form says at once what their rules find, where findings forbid nothing: of all, of
    those that were given, or of none.
    """
    if not register.quality.kept:
        return ""
    return "all" if saved else "given" if problems else ""
