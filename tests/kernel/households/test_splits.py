"""Households that split off: made, followed, counted, kept (spec 02 "Split households")."""

from __future__ import annotations

import threading
import uuid
from functools import partial
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app.access.actor import Actor
from app.access.divisions.regions import Level
from app.access.scope import acting_as, unscoped
from app.core.db import db
from app.core.errors import Conflict, Invalid
from app.kernel.declare.flow import State
from app.kernel.declare.register import register_of
from app.kernel.figures import counters
from app.kernel.households import lists as households
from app.kernel.households import moves, splits
from app.kernel.lists.ledger import Ledger
from app.kernel.lists.query import Query
from app.kernel.records import save as records
from app.kernel.records import steps
from app.kernel.rows.household import Household, SearchKey
from app.kernel.rows.record import Standing
from app.kernel.rows.transfer import Transfer
from app.modules.surveys.lookback.model import Lookback
from app.modules.surveys.lookback.register import LOOKBACK
from tests.builders import (
    CITY,
    CONTACT,
    COUNTY,
    COUNTY_REVIEWER,
    NEXT_COUNTY,
    VILLAGE_CLERK,
    actor,
    below,
    died,
    household,
    id_number,
    moved,
    other_home,
    region,
    seat,
)
from tests.clicks import click
from tests.crowds import at_once


def head(n: int, name: str = "", phone: str | None = None) -> dict[str, Any]:
    return {"name": name or f"分户{n}", "id_number": id_number(700 + n), "phone": phone}


def split_into(*heads: dict[str, Any]) -> dict[str, Any]:
    return other_home() | {"split": True, "split_heads": list(heads)}


class Family:
    """A parent whose clerk says who split off."""

    def __init__(self) -> None:
        home, row = household(name="王一")
        self.home_id, self.key = home.id, row.id
        self.clerk, self.reviewer = actor(VILLAGE_CLERK), actor(COUNTY_REVIEWER)

    def save(self, form: dict[str, Any], key: uuid.UUID | None = None) -> None:
        key = key or self.key
        self.do(self.clerk, records.save, LOOKBACK, key, form, self.row(key).version)

    def step(self, name: str, key: uuid.UUID | None = None, who: Actor | None = None) -> None:
        who = who or (self.reviewer if name in ("approve", "return") else self.clerk)
        self.do(who, steps.transition, LOOKBACK, key or self.key, name, None, CONTACT, "抽查不符")

    def approve(self) -> None:
        self.step("submit")
        self.step("approve")

    def clear(self, key: uuid.UUID | None = None) -> None:
        key = key or self.key
        self.do(self.clerk, records.clear, LOOKBACK, key, self.row(key).version)

    @staticmethod
    def do(who: Actor, action: Any, *args: Any) -> Any:
        with acting_as(who):
            try:
                return click(action, *args)
            finally:
                db.session.remove()

    def row(self, key: uuid.UUID | None = None) -> Lookback:
        with unscoped("tests look") as session:
            return session.get_one(Lookback, key or self.key)

    @property
    def children(self) -> dict[str, tuple[Household, Lookback]]:
        with unscoped("tests look") as session:
            query = (
                select(Household, Lookback)
                .join(Lookback, Lookback.household_id == Household.id)
                .where(Household.parent_id == self.home_id)
            )
            return {home.head_name: (home, row) for home, row in session.execute(query)}

    def survey(self, name: str) -> uuid.UUID:
        """The child's own survey is entered."""
        key = self.children[name][1].id
        self.save(other_home(), key)
        return key


@pytest.fixture
def family(session: Any) -> Family:
    return Family()


def counted(code: str = COUNTY) -> tuple[int, int, int]:
    """total, 其中：分户 and the households' own total; nothing has drifted."""
    own = register_of(Household)
    assert own
    with unscoped("counters are proved") as session:
        for register in (LOOKBACK, own):
            kept = counters.kept_counts(session, register)
            assert kept == counters.live_counts(session, register)
            assert counters.broken_identities(session, register) == []
        county = region(code).id
        surveys, homes = (counters.kept_counts(session, r) for r in (LOOKBACK, own))
    return (
        surveys.get(("total", county), 0),
        surveys.get(("split", county), 0),
        homes.get(("total", county), 0),
    )


# ---- made and followed ---------------------------------------------------------------------------


def test_each_head_is_a_household_to_be_surveyed(family: Family) -> None:
    family.save(split_into(head(1, "王小", "13909180002"), head(2, "王二")))
    assert set(family.children) == {"王小", "王二"}
    home, row = family.children["王小"]
    assert (home.parent_id, home.standing, home.phone) == (
        family.home_id, Standing.PENDING, "13909180002"
    )  # fmt: skip
    assert (row.state, row.standing, row.path) == (
        State.MISSING, Standing.PENDING, seat(Level.VILLAGE).path
    )  # fmt: skip
    with unscoped("tests look") as session:
        found = session.scalars(select(SearchKey.household_id).where(SearchKey.value == "王小"))
        assert found.all() == [home.id]
    assert counted() == (1, 0, 1)


def test_it_joins_the_total_with_its_parent_and_stays(family: Family) -> None:
    family.save(split_into(head(1, "王小")))
    family.approve()
    assert counted() == (2, 1, 2)
    family.step("send_back", who=actor(CITY))
    assert counted() == (2, 1, 2)
    family.save(other_home())  # there was no split after all, and nobody surveyed it
    assert family.children == {}
    assert counted() == (1, 0, 1)


def test_it_is_in_its_own_list_until_it_is_counted(family: Family) -> None:
    family.save(split_into(head(1, "王小")))

    def names(menu: str, who: Actor) -> set[str]:
        with acting_as(who):
            page = Ledger(LOOKBACK, Query(menu=menu), db.session(), who).page(20)
            db.session.remove()
            assert page.count.n == len(page.rows)
            return {row.head_name for row in page.rows}

    for who in (family.clerk, family.reviewer, actor(CITY)):  # below, in and above a county
        assert (names("entry", who), names("splits", who)) == ({"王一"}, {"王小"})
    family.approve()
    for who in (family.clerk, family.reviewer, actor(CITY)):
        assert (names("entry", who), names("splits", who)) == ({"王一", "王小"}, {"王小"})


def test_the_form_is_followed(family: Family) -> None:
    family.save(split_into(head(1, "王小"), head(2, "王二")))
    first = family.children["王小"][0].id
    family.save(split_into(head(1, "王晓", "13909180003"), head(3, "王二")))
    assert {name: h.issued_id for name, (h, _r) in family.children.items()} == {
        "王晓": id_number(701), "王二": id_number(703)
    }  # fmt: skip
    assert family.children["王晓"][0].id == first
    assert family.children["王晓"][1].head_name == "王晓"
    family.save(split_into(head(3, "王二")))
    assert set(family.children) == {"王二"}
    assert counted() == (1, 0, 1)


# ---- numbers ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("form", "where"),
    [
        (split_into(head(1), head(1, "别人")), "split_heads-1-id_number"),
        (split_into(head(1), {**head(2), "id_number": id_number(799)}), "split_heads-1-id_number"),
        (
            split_into(head(5))
            | {"head_changed": True, "new_head_name": "王新", "new_head_relation": "02",
               "new_head_id": id_number(705)},
            "split_heads-0-id_number",
        ),
    ],
    ids=["twice in the form", "on the list", "the new head's"],
)  # fmt: skip
def test_a_number_that_is_taken(family: Family, form: dict[str, Any], where: str) -> None:
    household(below(region(NEXT_COUNTY), Level.VILLAGE), number=id_number(799))
    with pytest.raises(Invalid) as refused:
        family.save(form)
    assert [p.field for p in refused.value.problems] == [where]
    assert family.children == {}


def test_the_parents_own_number(family: Family) -> None:
    with unscoped("tests look") as session:
        own = session.get_one(Household, family.home_id).issued_id
    with pytest.raises(Invalid, match="1 处") as refused:
        family.save(split_into({**head(1), "id_number": own}))
    assert refused.value.problems[0].field == "split_heads-0-id_number"


def test_two_counties_name_the_same_number_at_once(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both asked whether it is free before either wrote: the database lets one of them in."""
    with app.app_context():
        one, other = Family(), Family()
        both = threading.Barrier(2, timeout=20)
        free = households.listed_already

        def asked(*args: Any) -> str | None:
            found = free(*args)
            db.session.rollback()  # on SQLite one transaction writes at a time
            both.wait()
            return found

        monkeypatch.setattr(splits.households, "listed_already", asked)

    def save(family: Family) -> str:
        try:
            family.save(split_into(head(9)))
        except Invalid as error:
            return error.problems[0].field
        return "saved"

    said = at_once(app, *(partial(save, family) for family in (one, other)))
    assert sorted(said) == ["saved", "split_heads-0-id_number"]
    with app.app_context():
        assert len(one.children) + len(other.children) == 1
        assert counted()[0] == 2


# ---- with a survey of its own --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("form", "where"),
    [(split_into(head(2)), "split_heads"), (other_home(), "split")],
    ids=["its row", "no split"],
)
def test_who_has_a_survey_is_not_removed(family: Family, form: dict[str, Any], where: str) -> None:
    family.save(split_into(head(1, "王小")))
    key = family.survey("王小")
    with pytest.raises(Invalid) as refused:
        family.save(form)
    assert [p.field for p in refused.value.problems] == [where]
    with pytest.raises(Conflict, match="王小"):
        family.clear()
    family.clear(key)
    family.save(form)
    assert "王小" not in family.children


def test_what_was_submitted_is_not_renamed(family: Family) -> None:
    family.save(split_into(head(1, "王小")))
    key = family.survey("王小")
    family.save(split_into(head(1, "王晓")))  # only entered: it follows
    family.step("submit", key)
    with pytest.raises(Invalid, match="1 处") as refused:
        family.save(split_into(head(1, "王小")))
    assert refused.value.problems[0].code == "split_heads.fixed"


def test_a_split_is_decided_on_after_its_parent(family: Family) -> None:
    family.save(split_into(head(1, "王小")))
    key = family.survey("王小")
    family.step("submit", key)
    with pytest.raises(Conflict, match="主户"):
        family.step("approve", key)
    assert counted() == (1, 0, 1)
    family.approve()
    family.step("approve", key)
    assert counted() == (2, 1, 2)


# ---- died, cleared, moved --------------------------------------------------------------------------


def test_the_parent_died(family: Family) -> None:
    family.save(split_into(head(1, "王小"), head(2, "王二")))
    family.survey("王小")
    family.save(died())
    assert set(family.children) == {"王小"}  # of the other one nothing was said
    family.approve()
    assert counted() == (2, 1, 2)


def test_a_form_that_is_cleared_takes_its_splits_along(family: Family) -> None:
    family.save(split_into(head(1, "王小")))
    family.clear()
    assert family.children == {}
    assert counted() == (1, 0, 1)


def test_splits_that_are_not_counted_move_with_their_parent(family: Family) -> None:
    heads = {"split": True, "split_heads": [head(1, "王小")]}
    family.save(split_into(head(1, "王小")))
    family.survey("王小")
    to = below(region(NEXT_COUNTY), Level.VILLAGE)
    with pytest.raises(Invalid) as early:
        family.save(moved(to.id), family.children["王小"][1].id)
    assert [p.code for p in early.value.problems] == ["moved.pending"]
    family.save(moved(to.id) | heads)
    with unscoped("tests look") as session:
        key = session.scalars(select(Transfer.id)).one()
    family.do(actor(CITY), moves.agree, key, CONTACT)
    home, row = family.children["王小"]
    assert (home.region_id, row.region_id, row.state) == (to.id, to.id, State.DRAFT)
    assert family.row().state == State.DRAFT  # who split off is still said
    assert (counted(), counted(NEXT_COUNTY)) == ((0, 0, 0), (1, 0, 1))
