"""What is written is told once: just before the commit, before the counters are.

The listeners here see every flush, whichever way wrote: actions, imports, jobs. Statements that write many
rows at once pass them by; whoever sends one tells the counters itself (``counters.hand_in``).
"""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import event
from sqlalchemy.orm import Session, SessionTransaction

from app.access.scope import Scoped
from app.core.db import outermost
from app.kernel import hooks
from app.kernel.declare.register import all_registers, register_of
from app.kernel.figures import counters

_KEY, _SAVEPOINTS = "written_rows", "written_savepoints"


@event.listens_for(Session, "before_flush")
def _gather(session: Session, _context: Any, _instances: Any) -> None:
    rows: list[Any] = outermost(session).info.setdefault(_KEY, [])
    for row in (*session.new, *session.dirty, *session.deleted):
        register = register_of(type(row)) if isinstance(row, Scoped) else None
        if register is None:
            continue
        rows.append(row)
        counters.gather(session, register, row)


@event.listens_for(Session, "before_commit")
def _tell(session: Session) -> None:
    if session.in_nested_transaction() or outermost(session) is not session:
        return
    session.flush()
    if rows := session.info.get(_KEY):
        models = {type(row) for row in rows}
        registers = tuple(one for one in all_registers() if one.model in models)
        hooks.written(registers, session, list(dict.fromkeys(rows)))
        session.flush()  # what listeners wrote counts, and is told to nobody
    counters.apply(session)
    session.info.pop(_KEY, None)


@event.listens_for(Session, "after_transaction_create")
def _keep_at_savepoint(session: Session, transaction: SessionTransaction) -> None:
    if transaction.nested:
        kept = outermost(session).info.setdefault(_SAVEPOINTS, WeakKeyDictionary())
        kept[transaction] = len(outermost(session).info.get(_KEY, ()))


@event.listens_for(Session, "after_soft_rollback")
def _forget(session: Session, transaction: SessionTransaction) -> None:
    """What is taken back was not written: all of it, or what was since the savepoint."""
    if transaction.parent is None:
        session.info.pop(_KEY, None)
    elif transaction.nested and transaction in outermost(session).info.get(_SAVEPOINTS, ()):
        del outermost(session).info.get(_KEY, [])[
            outermost(session).info[_SAVEPOINTS].pop(transaction) :
        ]
