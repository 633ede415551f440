"""Moves: who consents, what goes where, what comes back (spec 02 "Moves")."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from werkzeug.datastructures import MultiDict

from app.access.accounts import notices
from app.access.accounts.notices import Notice, NoticeKind
from app.access.actor import Actor
from app.access.audit.log import AuditEntry
from app.access.divisions.regions import Level, Region
from app.access.scope import acting_as, unscoped
from app.core.db import db
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.kernel.declare.flow import State
from app.kernel.figures import counters
from app.kernel.figures.waiting import badges, waiting_for
from app.kernel.households import moves
from app.kernel.lists.ledger import Ledger
from app.kernel.lists.query import parse
from app.kernel.records import drafts, steps
from app.kernel.records import save as records
from app.kernel.rows.file import Attachment
from app.kernel.rows.household import Household, SearchKey
from app.kernel.rows.record import Draft, HistoryEntry
from app.kernel.rows.transfer import Transfer, TransferState, side_of, waits_for
from app.modules.surveys.lookback.model import Lookback
from app.modules.surveys.lookback.register import LOOKBACK
from tests.builders import (
    CITY,
    CONTACT,
    COUNTY,
    COUNTY_MANAGER,
    COUNTY_REVIEWER,
    FAR_COUNTY,
    MINISTRY,
    NEXT_COUNTY,
    PROVINCE,
    TOWN_CLERK,
    VILLAGE_CLERK,
    above,
    actor,
    attach,
    below,
    household,
    moved,
    other_home,
    region,
    seat,
)
from tests.clicks import click
from tests.crowds import at_once


class Case:
    """A household of the first village of :data:`COUNTY` whose clerk asks for a move."""

    def __init__(self, to: Region | None = None, form: dict[str, Any] | None = None) -> None:
        self.to = to or below(region(NEXT_COUNTY), Level.VILLAGE)
        home, row = household(name="王一")
        self.home_id, self.key = home.id, row.id
        self.clerk = actor(VILLAGE_CLERK)
        if form:
            self.save(form)
        self.save((form or {}) | moved(self.to.id))

    def save(self, form: dict[str, Any], who: Actor | None = None) -> None:
        self.do(who or self.clerk, records.save, LOOKBACK, self.key, form, self.row.version)

    @staticmethod
    def do(who: Actor, action: Any, *args: Any, **options: Any) -> Any:
        with acting_as(who):
            try:
                return click(action, *args, **options)
            finally:
                db.session.remove()

    @property
    def row(self) -> Lookback:
        with unscoped("tests look") as session:
            return session.get_one(Lookback, self.key)

    @property
    def transfer(self) -> Transfer:
        with unscoped("tests look") as session:
            query = select(Transfer).where(Transfer.household_id == self.home_id)
            return session.scalars(query.order_by(Transfer.asked_at.desc())).first() or _none()

    def agree(self, who: Actor) -> None:
        self.do(who, moves.agree, self.transfer.id, CONTACT)

    def refuse(self, who: Actor, why: str = "不在我县居住") -> None:
        self.do(who, moves.refuse, self.transfer.id, CONTACT, why)


def _none() -> Transfer:
    raise LookupError("no request")


def manager(code: str) -> Actor:
    return actor(COUNTY_MANAGER, region(code))


def require_no_drift() -> dict[Any, int]:
    with unscoped("counters are proved") as session:
        kept = counters.kept_counts(session, LOOKBACK)
        assert kept == counters.live_counts(session, LOOKBACK)
        assert counters.broken_identities(session, LOOKBACK) == []
        return kept


@pytest.fixture
def case(session: Any) -> Case:
    return Case()


# ---- asking --------------------------------------------------------------------------------------


def test_a_form_that_is_saved_asks_and_waits(case: Case) -> None:
    asked = case.transfer
    assert (asked.state, asked.to_region_id) == (TransferState.WAITING, case.to.id)
    assert (case.row.state, case.row.path) == (State.DRAFT, seat(Level.VILLAGE).path)
    with pytest.raises(Conflict, match="迁户申请正在审批"):
        case.save(other_home())
    with pytest.raises(Conflict, match="由迁入地填报"):
        case.do(case.clerk, steps.transition, LOOKBACK, case.key, "submit", None, CONTACT)
    with pytest.raises(Conflict, match="撤回申请"):
        case.do(case.clerk, records.clear, LOOKBACK, case.key, case.row.version)
    with unscoped("tests look") as session:
        told = session.scalars(select(Notice.region_id).where(Notice.kind == NoticeKind.MOVE_ASKED))
        assert set(told) == {region(COUNTY).id, region(NEXT_COUNTY).id}


def test_what_asks_to_move_waits_for_nobody_who_fills_in(session: Any) -> None:
    """Neither on the desk nor as a badge of the menu, and not in the lists that these lead to; until the
    request is taken back, or refused.
    """
    stays = Case(form=other_home())
    case = Case()
    stays.do(stays.clerk, moves.withdraw, stays.transfer.id, CONTACT)
    town, county = actor(TOWN_CLERK), actor(COUNTY_MANAGER)
    for who in (case.clerk, town, county):  # rows are counted, lines of towns, lines of counties
        assert (waiting(who), listed(who, "draft")) == ({"draft": 1}, {stays.key})
    case.refuse(manager(COUNTY))
    for who in (case.clerk, town, county):
        assert waiting(who) == {"draft": 1, "returned": 1, "badge": 1}
        assert (listed(who, "draft"), listed(who, "returned")) == ({stays.key}, {case.key})
    case.save(moved(case.to.id))
    for who in (case.clerk, town, county):
        assert (waiting(who), listed(who, "returned")) == ({"draft": 1}, set())
    require_no_drift()


def waiting(who: Actor) -> dict[str, int]:
    """What the desk tells to fill in, by state, and the menu's badge."""
    with acting_as(who):
        try:
            told = {one.state.value: one.n for one in waiting_for(who) if one.menu.name == "entry"}
            badge = badges(who).numbers["lookback", "entry"]
            return told | ({"badge": badge} if badge else {})
        finally:
            db.session.remove()


def listed(who: Actor, state: str) -> set[Any]:
    """The rows of the list that such a number leads to."""
    with acting_as(who):
        try:
            figure = LOOKBACK.open_figures[State(state)]
            query = parse(LOOKBACK, MultiDict({"figure": figure}), db.session, who)
            page = Ledger(LOOKBACK, query, db.session, who).page(20)
            assert page.count.n == len(page.rows)
            return {row.id for row in page.rows}
        finally:
            db.session.remove()


def test_the_same_click_twice_asks_once(case: Case) -> None:
    case.do(case.clerk, records.save, LOOKBACK, case.key, moved(case.to.id), 1)
    with unscoped("tests look") as session:
        assert session.scalar(select(func.count()).select_from(Transfer)) == 1


def test_a_move_to_where_one_is_is_none(session: Any) -> None:
    with pytest.raises(Invalid) as refused:
        Case(seat(Level.VILLAGE))
    assert [p.code for p in refused.value.problems] == ["new_place.same"]


def test_a_move_to_nowhere_is_not_saved(session: Any) -> None:
    _home, row = household()
    with pytest.raises(Invalid) as refused:
        Case.do(
            actor(VILLAGE_CLERK), records.save, LOOKBACK, row.id, {**moved(1), "new_place": None}, 1
        )
    assert [p.code for p in refused.value.problems] == ["new_place.required"]


# ---- who consents ----------------------------------------------------------------------------------


def test_between_counties_both_consent(case: Case) -> None:
    old, new = manager(COUNTY), manager(NEXT_COUNTY)
    case.agree(new)
    assert (case.transfer.state, case.row.county_id) == (TransferState.WAITING, region(COUNTY).id)
    assert side_of(new, case.transfer) is None  # it has said so
    case.agree(old)
    assert (case.transfer.state, case.row.region_id) == (TransferState.MOVED, case.to.id)
    kept = require_no_drift()
    assert kept["total", region(NEXT_COUNTY).id] == 1
    assert ("total", region(COUNTY).id) not in kept
    with unscoped("tests look") as session:
        done = session.scalars(select(Notice.region_id).where(Notice.kind == NoticeKind.MOVE_DONE))
        homes = {seat(Level.VILLAGE).id, seat(Level.TOWN).id, case.to.id, case.to.parent_id}
        assert set(done) == {region(NEXT_COUNTY).id, *homes}  # the other county decided last
    clerk = case.clerk
    with acting_as(clerk):
        (notice,) = notices.unseen(db.session(), clerk)
        assert "已从" in notice.text
        notices.take_note(db.session(), clerk, notice.id)
        db.session.commit()
        assert notices.unseen(db.session(), clerk) == []


@pytest.mark.parametrize(
    ("to", "who"),
    [(NEXT_COUNTY, CITY), (FAR_COUNTY, MINISTRY)],
    ids=["the city", "the ministry"],
)
def test_the_lowest_common_level_decides_alone(session: Any, to: str, who: Any) -> None:
    case = Case(below(region(to), Level.VILLAGE))
    case.agree(actor(who, above(region(COUNTY), who.level)))
    assert case.row.region_id == case.to.id


def test_within_a_county_its_county_decides(session: Any) -> None:
    case = Case(below(region(COUNTY), Level.VILLAGE, 3))
    for who in (CITY, PROVINCE):
        with pytest.raises(Forbidden, match="不由您的账号审批"):
            case.agree(actor(who))
    case.agree(manager(COUNTY))
    assert case.row.region_id == case.to.id
    with unscoped("tests look") as everything:
        done = everything.scalars(select(Notice.region_id).where(Notice.kind == "move_done"))
        assert {seat(Level.VILLAGE).id, case.to.id} <= set(done)


def test_who_asked_hears_of_a_refusal(session: Any) -> None:
    case = Case(below(region(COUNTY), Level.VILLAGE, 3))
    case.refuse(manager(COUNTY))
    url = f"/transfers/{case.transfer.id}"
    with acting_as(case.clerk):
        (notice,) = notices.unseen(db.session(), case.clerk)
        assert (notice.kind, notice.url) == ("move_refused", url)


@pytest.mark.parametrize(("by", "told"), [(COUNTY, NEXT_COUNTY), (NEXT_COUNTY, COUNTY)])
def test_a_refusal_leads_the_other_county_where_it_may_look(case: Case, by: str, told: str) -> None:
    """What the county that the household was to leave refused has no page for the other one."""
    case.refuse(manager(by))
    other, key = manager(told), case.transfer.id
    with acting_as(other):
        urls = {one.kind: one.url for one in notices.unseen(db.session(), other)}
    if told == COUNTY:
        assert case.do(other, moves.get, key).id == key
        assert urls[NoticeKind.MOVE_REFUSED] == f"/transfers/{key}"
    else:
        with pytest.raises(NotFound):
            case.do(other, moves.get, key)
        assert urls[NoticeKind.MOVE_REFUSED] == "/transfers/"


def test_nobody_else_decides(case: Case) -> None:
    for who in (PROVINCE, MINISTRY):  # they lie above the lowest common level
        with pytest.raises(Forbidden, match="不由您的账号审批"):
            case.agree(actor(who))
    with pytest.raises(Forbidden, match="没有“迁户审批”"):
        case.agree(actor(COUNTY_REVIEWER))
    with pytest.raises(NotFound):
        case.agree(manager(FAR_COUNTY))
    assert case.transfer.state == TransferState.WAITING


def test_what_waits_in_sql_is_what_may_be_decided(session: Any) -> None:
    """:func:`waits_for` and :func:`side_of` agree for everybody and every kind of request."""
    places = [below(region(code), Level.VILLAGE) for code in (NEXT_COUNTY, FAR_COUNTY)]
    cases = [Case(to) for to in (*places, below(region(COUNTY), Level.VILLAGE, 3))]
    cases.append(Case(places[0]))
    cases[-1].agree(manager(NEXT_COUNTY))
    cases.append(Case(places[0]))
    cases[-1].refuse(manager(NEXT_COUNTY))
    everybody = [actor(who) for who in (MINISTRY, PROVINCE, CITY, COUNTY_MANAGER, COUNTY_REVIEWER)]
    everybody += [manager(NEXT_COUNTY), manager(FAR_COUNTY), cases[0].clerk]
    with unscoped("tests look") as everything:
        known = everything.scalars(select(Transfer)).all()
        for who in everybody:
            by_sql = set(everything.scalars(select(Transfer.id).where(waits_for(who))))
            assert by_sql == {t.id for t in known if side_of(who, t) is not None}, who.login


def test_who_asked_does_not_decide(session: Any) -> None:
    own = manager(COUNTY)
    _home, row = household()
    to = below(region(COUNTY), Level.VILLAGE, 3)
    Case.do(own, records.save, LOOKBACK, row.id, moved(to.id), 1)
    with unscoped("tests look") as everything:
        key = everything.scalars(select(Transfer.id)).one()
    with pytest.raises(Forbidden, match="本账号提出"):
        Case.do(own, moves.agree, key, CONTACT)
    Case.do(manager(COUNTY), moves.agree, key, CONTACT)


# ---- what goes along -----------------------------------------------------------------------------


def test_everything_goes_in_one(session: Any) -> None:
    case = Case(form=other_home())
    attach(case.row, "front_photos")
    with unscoped("tests arrange") as everything:
        everything.add(
            Draft(account_id=case.clerk.account_id, record_id=case.key, register="lookback",
                  base_version=1, values={})
        )  # fmt: skip
        everything.commit()
    case.agree(actor(CITY))
    with unscoped("tests look") as everything:
        places = {everything.get_one(Household, case.home_id).region_id}
        for model, key, value in (
            (SearchKey, SearchKey.household_id, case.home_id),
            (Attachment, Attachment.record_id, case.key),
            (HistoryEntry, HistoryEntry.record_id, case.key),
        ):
            found = set(everything.scalars(select(model.region_id).where(key == value)))
            assert found, model
            places |= found
        assert places == {case.to.id}
        assert everything.scalars(select(Draft)).all() == []
        paths = set(
            everything.scalars(select(AuditEntry.path).where(AuditEntry.record_id == case.key))
        )
        assert {seat(Level.VILLAGE).path, case.to.path} <= paths
    with pytest.raises(NotFound):
        case.do(case.clerk, records.get, LOOKBACK, case.key)
    there = actor(VILLAGE_CLERK, case.to)
    assert case.do(there, drafts.of, there, case.key) is None
    case.save(other_home(), there)
    case.do(there, steps.transition, LOOKBACK, case.key, "submit", None, CONTACT)
    reviewer = actor(COUNTY_REVIEWER, region(NEXT_COUNTY))
    case.do(reviewer, steps.transition, LOOKBACK, case.key, "approve", None, CONTACT)
    assert require_no_drift()["other_safe", region(NEXT_COUNTY).id] == 1


def test_the_new_place_begins_anew(case: Case) -> None:
    case.agree(actor(CITY))
    row = case.row
    assert (row.state, row.moved, row.new_place, row.died) == (State.MISSING, None, None, None)


def test_what_was_said_of_the_family_stays(session: Any) -> None:
    heads = {"head_changed": True, "new_head_name": "王新", "new_head_relation": "02"}
    case = Case()
    case.refuse(manager(COUNTY))
    case.save(moved(case.to.id) | heads)
    case.agree(actor(CITY))
    assert (case.row.state, case.row.new_head_name) == (State.DRAFT, "王新")


# ---- what comes of nothing -------------------------------------------------------------------------


def test_a_refusal_gives_the_form_back_with_the_reason(session: Any) -> None:
    case = Case(form=other_home())
    assert case.row.living is None
    with pytest.raises(Invalid) as nothing:
        case.refuse(manager(NEXT_COUNTY), " ")
    assert [p.field for p in nothing.value.problems] == ["opinion"]
    case.refuse(manager(NEXT_COUNTY))
    row = case.row
    assert (row.state, row.moved) == (State.RETURNED, None)
    assert {n: getattr(row, n) for n in ("living", "surveyor", "surveyed_on", "population")} == {
        n: v
        for n, v in other_home().items()
        if n in ("living", "surveyor", "surveyed_on", "population")
    }
    with unscoped("tests look") as everything:
        query = select(HistoryEntry).where(HistoryEntry.record_id == case.key)
        last = everything.scalars(query.order_by(HistoryEntry.at.desc())).first()
    assert last is not None
    assert (last.target, last.opinion) == (State.RETURNED, "不在我县居住")
    require_no_drift()
    case.save(moved(case.to.id))  # and may be asked again
    assert case.transfer.state == TransferState.WAITING


def test_a_request_is_taken_back(session: Any) -> None:
    case = Case(form=other_home())
    with pytest.raises((NotFound, Forbidden)):
        case.do(manager(NEXT_COUNTY), moves.withdraw, case.transfer.id, CONTACT)
    case.do(case.clerk, moves.withdraw, case.transfer.id, CONTACT)
    assert (case.row.state, case.row.living) == (State.DRAFT, other_home()["living"])
    assert case.transfer.state == TransferState.WITHDRAWN
    with pytest.raises(NotFound):  # it concerns the other county no more
        case.agree(manager(NEXT_COUNTY))
    with pytest.raises(Conflict, match="已办结"):
        case.agree(manager(COUNTY))


def test_two_at_once(case: Case) -> None:
    """Who comes second is told; nothing is decided twice."""
    case.agree(actor(CITY))
    with pytest.raises(Conflict, match="已办结"):
        case.refuse(manager(COUNTY))
    assert case.row.region_id == case.to.id


def test_both_sides_answer_at_the_same_moment(app: Flask) -> None:
    """Whoever is second sees what the first one said: the household moves once."""
    with app.app_context():
        case = Case()
        both, key = (manager(COUNTY), manager(NEXT_COUNTY)), case.transfer.id
    answers = [lambda who=who: case.do(who, moves.agree, key, CONTACT) for who in both]
    assert not [e for e in at_once(app, *answers) if isinstance(e, Exception)]
    with app.app_context():
        assert (case.transfer.state, case.row.region_id) == (TransferState.MOVED, case.to.id)
        assert require_no_drift()["total", region(NEXT_COUNTY).id] == 1


# ---- who sees it -----------------------------------------------------------------------------------


def test_the_other_side_sees_the_request_and_no_more(case: Case) -> None:
    new = manager(NEXT_COUNTY)
    seen = case.do(new, moves.get, case.transfer.id)
    assert seen.household_id == case.home_id
    with pytest.raises(NotFound):
        case.do(new, records.get, LOOKBACK, case.key)
    with pytest.raises(NotFound):
        case.do(manager(FAR_COUNTY), moves.get, case.transfer.id)
    with pytest.raises(NotFound):
        case.do(new, moves.get, uuid.uuid4())
    (found,) = case.do(new, moves.of_household, case.home_id)
    assert found.id == case.transfer.id
