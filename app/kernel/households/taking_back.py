"""Imports of households taken back: what hangs on a household goes with it, or is right again."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.i18n import _, translate
from app.kernel import hooks
from app.kernel.declare.house_lists import list_names
from app.kernel.hooks import Leaving
from app.kernel.households import lists as households
from app.kernel.households import moves
from app.kernel.rows.household import Household
from app.kernel.rows.member import members_of


@hooks.why_keep.listen()
def _why_keep(session: Session, row: Any, known: Mapping[uuid.UUID, int]) -> Iterable[str]:
    """A household goes while nothing is known of it but what the import said."""
    if not isinstance(row, Household):
        return
    for register, record in households.records_of(session, row):
        if register.derived is None and known.get(record.id) != record.version:
            yield _("导入后在“%(what)s”中填写或修改过。", what=translate(register.title))
    if any(known.get(member.id) != member.version for member in members_of(session, row.id)):
        yield _("导入后维护过家庭成员。")
    if session.scalar(select(Household.id).where(Household.parent_id == row.id).limit(1)):
        yield _("导入后有家庭成员分户。")
    if moves.waiting_in(session, row.id):
        yield _("该户的迁户申请正在审批。")
    yield from hooks.why_stay(session, row, Leaving.LIST)


@hooks.unmade.listen()
def _unmade(session: Session, row: Any) -> None:
    if isinstance(row, Household):
        households.remove(session, row)


@hooks.restored.listen()
def _restored(session: Session, row: Any, before: Mapping[str, Any]) -> None:
    """Its names, numbers and place are carried to all that repeats them; the lists are told."""
    if not isinstance(row, Household):
        return
    households.refresh(session, row)
    if before.keys() & set(list_names()):
        hooks.listed(session, row)
