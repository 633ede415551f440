"""What is written is told once: just before the commit, before the counters are.

The listeners here see every flush, whichever way wrote: actions, imports, jobs. Statements that write many
rows at once pass them by; whoever sends one tells the counters itself (``counters.hand_in``).
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

from sqlalchemy import event
from sqlalchemy.orm import Session

from app.access.scope import Scoped, joined
from app.core.db import outermost
from app.core.kept import Kept
from app.kernel import hooks
from app.kernel.declare.register import all_registers, register_of
from app.kernel.figures import counters
from app.kernel.figures.comparing import noting, settling
from app.kernel.rows.file import Attachment

#: Rows that were flushed, as often as they were; and whether beyond the own area.
_rows: Kept[list[tuple[Any, bool]]] = Kept(list)


@event.listens_for(Session, "before_flush")
def _gather(session: Session, _context: Any, _instances: Any) -> None:
    rows = _rows.of(outermost(session))
    for row in (*session.new, *session.dirty, *session.deleted):
        register = register_of(type(row)) if isinstance(row, Scoped) else None
        if register is None:
            if isinstance(row, Attachment):
                noting.gather_file(session, row)
            continue
        rows.append((row, outermost(session) is not session))
        counters.gather(session, register, row)
        if register.shared:
            noting.gather(session, register, row)


@event.listens_for(Session, "before_commit")
def tell(session: Session) -> None:
    """Tell what the transaction wrote; once more: nothing is left to tell."""
    if session.in_nested_transaction() or outermost(session) is not session:
        return
    session.flush()
    if rows := _rows.of(session):
        models = {type(row) for row, _beyond in rows}
        registers = tuple(one for one in all_registers() if one.model in models)
        with _telling(session, beyond=any(beyond for _row, beyond in rows)) as telling:
            hooks.written(registers, telling, list(dict.fromkeys(row for row, _beyond in rows)))
        session.flush()  # what listeners wrote counts, and is told to nobody
    if noting.noted.of(session):
        settling.apply(session)
    counters.apply(session)
    _rows.of(session).clear()


def _telling(session: Session, *, beyond: bool) -> AbstractContextManager[Session]:
    """The session that listeners ask: what follows from a row follows wherever it lies."""
    if beyond:
        return joined("what was written beyond the own area has consequences there", writes=True)
    return nullcontext(session)
