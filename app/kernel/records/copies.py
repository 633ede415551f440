"""What a register's rows repeat of their household: they are made with it here, and keep it when the
household changes (:mod:`app.kernel.households.lists`).
"""

from __future__ import annotations

from typing import Any

from app.kernel import hooks
from app.kernel.declare.house_lists import list_names
from app.kernel.declare.register import Register
from app.kernel.rows.household import Finding, Household
from app.kernel.rows.member import Member


def of(household: Household, model: Any, shown: Member | None = None) -> dict[str, Any]:
    """What a register's row repeats of its household, so that lists need no join: of these what
    its model has. ``shown``: the member whom the household's list shows in place of its head.
    """
    known = {
        "head_name": household.head_name,
        "head_id": household.head_id or household.matching_id,
        "former_head": household.issued_name
        if household.issued_name != household.head_name
        else None,
        "standing": household.standing,
        **{name: getattr(household, name) for name in list_names()},
        "unplaced": True if Finding.NO_VILLAGE in (household.findings or ()) else None,
        **dict(hooks.list_copies(model, household, shown)),
    }
    return {name: value for name, value in known.items() if name in model.__fields__}


def first_row(register: Register, household: Household) -> Any:
    """A register's first row about a household, not in a session yet."""
    place, known = household.region_id, of(household, register.model)
    return register.model(household_id=household.id, region_id=place, **known)
