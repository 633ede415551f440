"""A person's name is one kind of field: mended wherever it is said, and in what is looked for."""

from __future__ import annotations

from typing import Any

from app.kernel.declare.register import all_registers
from app.kernel.kinds import PERSON
from app.kernel.lists import query
from app.kernel.rows.household import Household
from app.kernel.rows.member import Member
from app.modules.craftsmen.register import CRAFTSMAN
from app.modules.surveys.lookback.register import LOOKBACK
from tests.builders import COUNTY_MANAGER, account, actor_of


def test_the_name_of_every_record_is_a_persons() -> None:
    for register in all_registers():
        if register.entered and (made := register.model.__fields__.get(register.name_field)):
            assert made.kind is PERSON, register.name
    assert {m.__fields__[n].kind for m, n in ((Household, "head_name"), (Member, "name"))} == {
        PERSON
    }


def test_a_name_is_mended_in_forms_and_in_what_is_looked_for(session: Any) -> None:
    name = CRAFTSMAN.model.__fields__["name"]
    assert name.parse(" 古丽 • 买买提\u200b") == "古丽·买买提"
    assert name.parse("⻢　\ue863") == "马䶮"
    assert name.parse(" ") is None
    for register in (CRAFTSMAN, LOOKBACK):
        args = {register.name_field: "古丽•"}
        asked = query.parse(register, args, session, actor_of(account(COUNTY_MANAGER)))
        assert asked.name == "古丽·"
