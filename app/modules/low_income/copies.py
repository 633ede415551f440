"""What rows of other registers repeat of the list of low-income households."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, object_session

from app.core.db import db
from app.kernel import hooks
from app.kernel.declare.register import Register
from app.kernel.households import lists as households
from app.kernel.rows.household import Household, get_household
from app.kernel.rows.member import Member
from app.modules.low_income.fields import Listed, the_list

#: Fields of the list that are repeated where a field of the same name and choices is declared.
_OF_LIST = ("groups", "origin")


@hooks.list_copies.listen()
def copied(model: Any, household: Household, shown: Member | None) -> Iterator[tuple[str, Any]]:
    """What the list says of the household; of the list's own row who is shown there."""
    if issubclass(model, Listed):
        if shown is not None:
            yield from {"head_name": shown.name, "head_id": shown.id_number}.items()
        return
    repeated = _repeated(model)
    session = object_session(household) if isinstance(household, Household) else None
    if not repeated or session is None:
        return
    kept = the_list().model
    listed = session.scalar(select(kept).where(kept.household_id == household.id))
    yield from ((name, getattr(listed, name, None)) for name in repeated)


@hooks.list_facts.listen()
def said(
    session: Session, homes: Collection[Household]
) -> Iterator[tuple[uuid.UUID, Mapping[str, Any]]]:
    """The groups to which the households of the list belong."""
    model = the_list().model
    if asked := [home.id for home in homes if home.low_income]:
        query = select(model.household_id, model.groups).where(model.household_id.in_(asked))
        yield from ((row.household_id, {"groups": row.groups}) for row in session.execute(query))


@hooks.saved.listen(of=Listed, order=10)
def repeat_list(register: Register, row: Any, changes: Mapping[str, Any]) -> None:
    """What a saved form says of a household is repeated where it is looked for."""
    if set(_OF_LIST) & changes.keys():
        repeat(db.session(), register, row, get_household(row.household_id))


def repeat(session: Session, register: Register, row: Any, household: Household) -> None:
    """What the list's ``row`` says of its household, in the household's other records."""
    for other, one in households.records_of(session, household):
        for name in _repeated(type(one)) if other is not register else ():
            setattr(one, name, getattr(row, name))


def _repeated(model: Any) -> list[str]:
    """What of the list a model's rows repeat."""
    known = model.__fields__
    return [n for n in _OF_LIST if n in known and known[n].choices is Listed.__fields__[n].choices]
