"""A paper of one record, or of none.

Numbers are masked. Whole ones take the right to export and a reason, as every file with them does. That it was
printed is kept in the audit log either way.
"""

from __future__ import annotations

from typing import Any

from app.access import policy
from app.access.actor import Actor, Capability
from app.access.audit import log as audit
from app.access.audit.log import Act
from app.core.db import db
from app.core.errors import NotFound
from app.core.i18n import _
from app.kernel.declare.groups import Paper
from app.kernel.declare.register import Register
from app.kernel.exchange import printing
from app.kernel.exchange.printed.content import TEMPLATE, Form, Printer, official
from app.kernel.exchange.reasons import required_reason
from app.kernel.rows.reading import values_of


def get_paper(register: Register, name: str) -> Paper:
    """The paper of that name. :raises NotFound: there is none."""
    paper = register.paper(name)
    if paper is None:
        raise NotFound(_("没有找到该页面。"))
    return paper


def has(paper: Paper, row: Any) -> bool:
    """Is the record printed on it?"""
    return paper.rows.test(values_of(row))


def masked(register: Register, paper: Paper, row: Any, home: str) -> bytes:
    """The record's paper for everybody who may read it; noted at once.

    :raises Forbidden: the account may not read it. :raises NotFound: the record has no such paper.
    """
    actor = policy.require(Capability.SEARCH, register.name, row)
    made = _set(Printer(register, paper, actor, home, whole=False), row)
    audit.note(Act.EXPORT, register=register.name, row=row, detail={"name": paper.title})
    return made


def with_numbers(register: Register, paper: Paper, row: Any, home: str, reason: str) -> bytes:
    """The same with whole numbers; it goes out once that is kept (:func:`keep`).

    :raises Forbidden: without the right to export. :raises BadInput: no reason.
    """
    actor = policy.require(Capability.EXPORT, register.name, row)
    required_reason(reason)
    return _set(Printer(register, paper, actor, home, whole=True), row)


def keep(register: Register, paper: Paper, row: Any, reason: str) -> None:
    """Note that the paper with whole numbers goes out."""
    detail = {"name": paper.title, "reason": required_reason(reason)}
    audit.record(db.session, Act.EXPORT, register=register.name, row=row, detail=detail)


def blank(register: Register, paper: Paper, actor: Actor) -> bytes:
    """The form to be filled in by hand. :raises NotFound: it is none of those."""
    if not paper.blank:
        raise NotFound(_("没有找到该页面。"))
    with official():
        printer = Printer(register, paper, actor, "", whole=False)
        return _pdf(printer, printer.blank())


def _set(printer: Printer, row: Any) -> bytes:
    if not has(printer.paper, row):
        raise NotFound(_("这条记录没有“%(paper)s”。", paper=printer.paper.label))
    with official():
        [form] = printer.forms([row])
        return _pdf(printer, form)


def _pdf(printer: Printer, form: Form) -> bytes:
    return printing.pdf(TEMPLATE, printer.data([form]), form.pictures)
