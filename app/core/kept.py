"""What code keeps for the transaction that a session has open: what it locked, what it wrote.

A rollback to a savepoint brings back what was kept when that began, for the database lets go of what was
locked since and forgets what was written. With the transaction it is gone.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import Any, Generic, TypeVar
from weakref import WeakKeyDictionary

from sqlalchemy import event
from sqlalchemy.orm import Session, SessionTransaction

from app.core.db import outermost

T = TypeVar("T")
_KEPT, _SAVEPOINTS = "kept", "kept_at_savepoints"


class Kept(Generic[T]):
    """One thing of this kind. ``new`` makes it as a transaction begins: a list, a set, a dict, which
    is copied at each savepoint; so ask for it anew rather than hold it.
    """

    def __init__(self, new: Callable[[], T]) -> None:
        self.new = new

    def of(self, session: Session) -> T:
        """What is kept for the session's transaction."""
        values: dict[Kept[T], T] = session.info.setdefault(_KEPT, {})
        if self not in values:
            values[self] = self.new()
        return values[self]


@event.listens_for(Session, "after_transaction_create")
def _note_at_savepoint(session: Session, transaction: SessionTransaction) -> None:
    if not transaction.nested:
        return
    concerned = dict.fromkeys((session, outermost(session)))  # a joined one keeps in both
    noted = {one: {k: copy(v) for k, v in one.info.get(_KEPT, {}).items()} for one in concerned}
    session.info.setdefault(_SAVEPOINTS, WeakKeyDictionary())[transaction] = noted


@event.listens_for(Session, "after_soft_rollback")
def _return_to_savepoint(session: Session, transaction: SessionTransaction) -> None:
    noted: dict[Session, dict[Kept[Any], Any]]
    noted = session.info.get(_SAVEPOINTS, {}).pop(transaction, {})
    for one, values in noted.items():
        one.info[_KEPT] = values


@event.listens_for(Session, "after_transaction_end")
def _let_go(session: Session, transaction: SessionTransaction) -> None:
    if transaction.parent is None:
        session.info.pop(_KEPT, None)
        session.info.pop(_SAVEPOINTS, None)
