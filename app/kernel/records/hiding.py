"""Records that nobody erases (永久保存): a delete takes a reason and hides the record with its files, its
county's manager restores it. For registers that say ``keeps``; what hides them is the scope guard.
"""

from __future__ import annotations

import uuid
from typing import Any

from app.access import policy
from app.access.accounts import unusual
from app.access.actor import Actor, Capability
from app.access.audit import log as audit
from app.access.audit.log import Act
from app.access.scope import current_actor, is_hidden, showing_hidden
from app.core.clock import now, today
from app.core.db import db
from app.core.errors import Conflict, Invalid
from app.core.i18n import _
from app.core.types import nfc
from app.kernel import hooks
from app.kernel.declare.register import Register
from app.kernel.declare.rules import Problem
from app.kernel.records import history, keys
from app.kernel.records import save as records
from app.kernel.rows.record import HistoryEntry

#: The steps, as addresses and histories name them; neither is one of a flow.
HIDE, RESTORE = "hide", "bring_back"
REASON = "reason"  # the field at which its problems stand
#: What histories call a restoration.
RESTORED = "恢复"


def shown(register: Register, record_id: uuid.UUID, *, lock: bool = False) -> Any:
    """The record as :func:`app.kernel.records.save.get` has it; for who may restore it a hidden one, too."""
    actor = current_actor()
    restores = register.keeps and actor is not None and actor.has(Capability.RESTORE, register.name)
    with showing_hidden(when=restores):
        return records.get(register, record_id, lock=lock)


def hide(register: Register, record_id: uuid.UUID, version: int, reason: str) -> Any:
    """Delete the record: it is hidden, and stays.

    :raises Invalid: no reason. :raises Conflict: it is not to be changed now, or somebody changed it.
    """
    row = records.get(register, record_id, lock=True)
    actor = records.require_entry(register, row)
    records.require_editable(register, row)
    records.require_version(register, row, version)
    reason = _said(reason, _("请填写删除原因。"))
    unusual.count(unusual.What.DELETIONS)
    put_away(register, row, actor, reason)
    return row


def put_away(register: Register, row: Any, actor: Actor, reason: str) -> None:
    """Hide a record whatever its state; who calls it has asked whether the actor may."""
    hooks.clearing(register, row)
    row.hidden_on, row.hidden_by, row.hidden_why = today(), _who(actor), reason
    row.changed_at = now()
    for file in records.attachments_of(row):
        file.hidden_on = row.hidden_on
    if register.key:
        keys.follow(register, row)
    _told(register, row, actor, HIDE, reason)
    records.forget_draft(actor, row.id)


def restore(register: Register, record_id: uuid.UUID, version: int, reason: str) -> Any:
    """What was hidden is there again, as it was.

    :raises Invalid: no reason; another record stands in its place. :raises Conflict: it is not hidden.
    """
    row = shown(register, record_id, lock=True)
    actor = policy.require(Capability.RESTORE, register.name, row)
    if not is_hidden(row):
        raise Conflict(_("该%(what)s没有被删除。", what=register.word), row=row)
    records.require_version(register, row, version)
    reason = _said(reason, _("请填写恢复原因。"))
    result = records.evaluate(register, row)
    if there := records.forbidding(register, row, result.values, ()):
        raise Invalid(there[0].message, there)
    files = records.attachments_of(row)
    row.hidden_on = row.hidden_by = row.hidden_why = None
    row.changed_at = now()
    for file in files:
        file.hidden_on = None
    records.follow(register, row, result)
    _told(register, row, actor, RESTORE, reason)
    hooks.saved(register, row, {})
    return row


def _told(register: Register, row: Any, actor: Actor, step: str, reason: str) -> None:
    """The line of its history, and the entry of the audit log."""
    label, act = (records.CLEAR, Act.DELETE) if step == HIDE else (RESTORED, Act.RESTORE)
    history.note(register, row, actor, step, label, opinion=reason)
    audit.record(db.session, act, register=register.name, row=row, detail={"reason": reason})


def _said(reason: str, missing: str) -> str:
    """:raises Invalid: nothing, or more than fits."""
    reason = nfc(reason).strip()
    problems = history.too_long((REASON, HistoryEntry.opinion, reason))
    if not reason:
        problems = [Problem(REASON, "reason.required", missing)]
    if problems:
        raise Invalid(problems[0].message, problems)
    return reason


def _who(actor: Actor) -> str:
    return f"{actor.login} {actor.name}"[:128]
