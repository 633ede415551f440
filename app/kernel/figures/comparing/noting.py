"""What a flush changes: who begins or ceases to say something."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import inspect
from sqlalchemy.orm import Session

from app.core.clock import uuid7
from app.core.db import history_of, outermost
from app.core.kept import Kept
from app.kernel.declare.field import Compared
from app.kernel.declare.groups import HIDDEN
from app.kernel.declare.quality import BROKEN
from app.kernel.declare.register import Register, get_register
from app.kernel.figures import shared_values
from app.kernel.figures.comparing import saying
from app.kernel.figures.comparing.saying import Said
from app.kernel.figures.shared_values import Value


@dataclass(frozen=True, slots=True)
class Change:
    """Somebody says a value from now on, or (``home`` None) no more."""

    register: Register
    code: str
    record: str
    home: str | None
    concerned: bool
    kept: bool  # the record has the finding already


#: (value, who says it: a record or a file) -> the change that the transaction makes.
noted: Kept[dict[tuple[Value, str], Change]] = Kept(dict)


def gather(session: Session, register: Register, row: Any) -> None:
    """Note what a row about to be flushed begins or ceases to say."""
    row.id = row.id or uuid7()
    state, gone = inspect(row), row in session.deleted
    for code, rule in register.shared.items():
        if rule.kind == Compared.PHOTO:
            continue
        before = saying.said_of(register, code, row, _was) if state.persistent or gone else None
        after = None if gone else saying.said_of(register, code, row, getattr)
        if before != after:
            _note(session, register, code, row, before, after)


def _note(
    session: Session, register: Register, code: str, row: Any, before: Said | None,
    after: Said | None,
) -> None:  # fmt: skip
    pending, key = noted.of(outermost(session)), row.id.hex
    kept = code in (getattr(row, BROKEN) or ())
    if before and (after is None or after.value != before.value):
        pending[before.value, key] = Change(register, code, key, None, False, kept)
    if after:
        change = Change(register, code, key, after.home, after.concerned, kept)
        pending[after.value, key] = change


def gather_file(session: Session, file: Any) -> None:
    """Note that a file comes, goes, or holds another picture."""
    register = get_register(file.register)
    if register is None or not register.shared or not file.is_photo:
        return
    file.id = file.id or uuid7()
    pending, key = noted.of(outermost(session)), file.id.hex
    record = file.record_id.hex
    for code, rule in register.shared.items():
        if rule.kind != Compared.PHOTO or file.field not in rule.fields.split():
            continue
        of = f"{register.name}.{code}"
        stood = inspect(file).persistent and _was(file, HIDDEN) is None
        stands = file not in session.deleted and getattr(file, HIDDEN) is None
        before: str | None = _was(file, "sha256") if stood else None
        after = file.sha256 if stands else None
        for said, home in ((before, None), (after, record)):
            if said and before != after:
                value = shared_values.value(rule.kind, of, said)
                pending[value, key] = Change(register, code, record, home, True, False)


def _was(row: Any, name: str) -> Any:
    """What the database has of it."""
    history = history_of(row, name)
    if history.deleted:
        return history.deleted[0]
    return None if history.added else getattr(row, name)
