"""Who is on the list of low-income households (spec 03): add, move by number, leave, restore."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, select

from app.access.accounts.notices import Notice, NoticeKind
from app.access.actor import Actor
from app.access.audit.log import Act, AuditEntry
from app.access.divisions.regions import Level, Region
from app.access.scope import acting_as, unscoped
from app.core.db import db
from app.core.errors import AnjuError, Conflict, Invalid
from app.kernel.declare.flow import State
from app.kernel.figures import counters
from app.kernel.households import moves, people
from app.kernel.records import save as records
from app.kernel.records import steps
from app.kernel.rows.household import Household
from app.kernel.rows.member import Member, PersonNumber
from app.kernel.rows.transfer import Transfer, TransferState
from app.modules.homes.choices import Hardship, Origin
from app.modules.low_income import joining as objects
from app.modules.low_income import leaving as object_leaving
from app.modules.low_income.fields import Reason, Upkeep
from app.modules.low_income.finding import Found, find, told
from app.modules.low_income.leaving import Leave
from app.modules.low_income.model import LowIncome
from app.modules.low_income.register import LOW_INCOME
from app.modules.surveys.lookback.register import LOOKBACK
from app.modules.surveys.monitoring.model import Monitoring
from tests.builders import (
    CONTACT,
    COUNTY_MANAGER,
    NEXT_COUNTY,
    VILLAGE_CLERK,
    actor,
    below,
    household,
    id_number,
    other_home,
    region,
    seat,
)
from tests.clicks import click


class World:
    """Two villages of a county and one of the next, each with its clerk."""

    def __init__(self) -> None:
        town = seat(Level.TOWN)
        self.here, self.near = below(town, Level.VILLAGE), below(town, Level.VILLAGE, 1)
        self.far = below(region(NEXT_COUNTY), Level.VILLAGE)
        self.villages = (self.here, self.near, self.far)
        self.clerks = {v.id: actor(VILLAGE_CLERK, v) for v in self.villages}

    def do(self, who: Region | Actor, act: Callable[..., Any], *args: Any, **options: Any) -> Any:
        """As that village's clerk (or that account), in a session of its own."""
        with acting_as(who if isinstance(who, Actor) else self.clerks[who.id]):
            try:
                return click(act, *args, **options)
            finally:
                db.session.remove()

    def add(self, village: Region, name: str, number: str, **more: Any) -> Any:
        """The form as it was shown what stands with the number."""
        values = {"head_name": name, "head_id": number, "sex": "male", "groups": ("allowance",)}
        seen = self.do(village, find, number)
        key = seen.key if seen else ""
        return self.do(village, objects.add, village.id, values | more, key)

    def leave(self, row: Any, reason: Reason | None = Reason.OTHER, **more: Any) -> Any:
        asked = Leave(reason, **{"note": "已不符合条件"} | more)
        return self.do(self.place(row), object_leaving.leave, row.id, asked)

    def place(self, row: Any) -> Region:
        return next(v for v in self.villages if v.id == self.row(row).region_id)

    @staticmethod
    def row(row: Any) -> LowIncome:
        with unscoped("tests look") as session:
            return session.get_one(LowIncome, row.id)

    @staticmethod
    def members(row: Any) -> list[Member]:
        with unscoped("tests look") as session:
            query = select(Member).where(Member.household_id == row.household_id)
            return list(session.scalars(query.order_by(Member.id)))

    def joined(self, head: Any, name: str = "李小", number: str = "") -> Member:
        """A low-income member, who left as 非户主."""
        village = self.place(head)
        row = self.add(village, name, number or id_number()).row
        self.leave(row, Reason.NOT_HEAD, head=head.id, note="")
        return next(m for m in self.members(head) if m.name == name)


@pytest.fixture
def world(session: Any) -> World:
    return World()


def problems(error: pytest.ExceptionInfo[Invalid]) -> dict[str, str]:
    return {p.field: str(p.message) for p in error.value.problems}


def standing() -> Counter[str]:
    """How often each ID number stands with a household of the list, as it is."""
    with unscoped("tests look") as session:
        found: Counter[str] = Counter()
        for one in session.scalars(select(Household).where(Household.low_income)):
            found[people.present_number(one) or ""] += 1
            beside = select(Member.id_number).where(Member.household_id == one.id)
            found.update(number for number in session.scalars(beside) if number)
        return found


def require_one_place() -> None:
    now = standing()
    with unscoped("tests look") as session:
        assert now == Counter(session.scalars(select(PersonNumber.number)))
        assert counters.kept_counts(session, LOW_INCOME) == counters.live_counts(
            session, LOW_INCOME
        )
        wrong = select(func.count()).select_from(LowIncome).join(
            Household, Household.id == LowIncome.household_id
        )  # fmt: skip
        assert not session.scalar(wrong.where(Household.low_income != LowIncome.low_income))
        assert not session.scalar(wrong.where(Household.path != LowIncome.path))
        said = select(Monitoring.groups, LowIncome.groups, Monitoring.origin, LowIncome.origin)
        here = said.join(LowIncome, LowIncome.household_id == Monitoring.household_id)
        for groups, listed, origin, first in session.execute(here.where(LowIncome.low_income)):
            assert (groups, origin) == (listed, first), "monitoring repeats what the list says"


# ---- adding ----------------------------------------------------------------------------------


def test_a_new_household_stands_on_the_list_and_on_the_ledger_of_added_ones(world: World):
    row = world.row(world.add(world.here, "张三", id_number()).row)
    assert (row.origin, row.upkeep) == (Origin.MANUAL, Upkeep.DONE)
    assert row.low_income
    assert row.added_on
    assert row.region_id == world.here.id
    with pytest.raises(Invalid) as error:
        world.add(world.here, "李", "61012219700101001X")
    assert "身份证号第18位" in problems(error)["head_id"]
    with pytest.raises(Invalid) as error:
        world.do(world.here, objects.add, world.near.id, {}, "")
    assert "管辖范围" in problems(error)["region"]
    with pytest.raises(Invalid) as error:
        world.add(world.here, "王五", id_number(), groups=())
    assert "groups" in problems(error)
    require_one_place()


def test_red_text_says_whose_household_it_is_and_a_form_that_did_not_see_it_saves_nothing(
    world: World,
):
    number = id_number()
    row = world.add(world.near, "张三", number).row
    found: Found = world.do(world.here, find, number)
    text = world.do(world.here, told, found, world.here, number)
    assert "户主姓名为“张三”，本次操作仅能修改其基本信息。" in text
    assert world.near.full_name not in text  # another village's clerk hears of the county alone
    with unscoped("tests look") as session:
        asked = select(AuditEntry).where(AuditEntry.act == Act.DUPLICATE)
        assert number not in str(session.scalars(asked).one().detail)
    values = {"head_name": "张三", "head_id": number, "sex": "male", "groups": ("allowance",)}
    with pytest.raises(objects.Changed):
        world.do(world.here, objects.add, world.here.id, values, "")
    assert world.row(row).region_id == world.near.id


def test_a_number_of_the_same_county_brings_the_household_at_once_and_tells_both_sides(
    world: World,
):
    number = id_number()
    row = world.add(world.near, "张三", number).row
    with pytest.raises(Invalid) as error:  # a number typed wrong fetches no stranger
        world.add(world.here, "赵六", number)
    assert "不一致" in problems(error)["head_name"]
    world.add(world.here, "张三", number, condition="unsafe")
    row = world.row(row)
    assert (row.region_id, row.condition) == (world.here.id, "unsafe")
    with unscoped("tests look") as session:
        told_to = set(session.scalars(select(Notice.region_id)))
        assert {world.near.id, world.near.parent_id} <= told_to
    require_one_place()


def test_a_number_of_another_county_comes_when_both_counties_agree(world: World):
    number = id_number()
    row = world.add(world.far, "张三", number).row
    groups = (Hardship.ALLOWANCE, Hardship.BORDERLINE)
    added = world.add(world.here, "张三", number, condition="unsafe", groups=groups)
    assert world.row(row).region_id == world.far.id
    key = added.transfer.id
    with pytest.raises(Conflict):  # it may not leave while this is open
        world.leave(row)
    for code in (NEXT_COUNTY, "610122"):
        world.do(actor(COUNTY_MANAGER, region(code)), moves.agree, key, CONTACT)
    row = world.row(row)
    assert (row.region_id, row.condition, row.groups) == (world.here.id, "unsafe", groups)
    require_one_place()


def test_a_refused_or_withdrawn_request_leaves_all_as_it_was_and_is_seen_by_who_asked(
    world: World,
):
    number = id_number()
    row = world.row(world.add(world.far, "张三", number).row)
    key = world.add(world.here, "张三", number).transfer.id
    there = actor(COUNTY_MANAGER, region(NEXT_COUNTY))
    world.do(there, moves.refuse, key, CONTACT, "仍在我县居住")
    transfer: Transfer = world.do(world.here, moves.get, key)
    assert transfer.state == TransferState.REFUSED
    again = world.add(world.here, "张三", number).transfer.id
    assert world.do(world.here, moves.withdraw, again, CONTACT).state == TransferState.WITHDRAWN
    after = world.row(row)
    assert (after.region_id, after.condition) == (world.far.id, row.condition)


def test_a_number_of_a_member_brings_that_person_alone(world: World):
    head = world.add(world.near, "张三", id_number()).row
    number = id_number()
    world.joined(head, "李小", number)
    found = world.do(world.here, find, number)
    assert "此人是该户的家庭成员" in world.do(world.here, told, found, world.here, number)
    row = world.row(world.add(world.here, "李小", number).row)
    assert (row.head_name, row.region_id, row.left_on) == ("李小", world.here.id, None)
    assert world.row(head).region_id == world.near.id
    assert world.members(head) == []
    require_one_place()


def test_a_poverty_exit_household_joins_with_its_own_row_and_keeps_its_survey(world: World):
    home, survey = household(world.here, name="王五")
    number = home.head_id or ""

    def red() -> str:
        found = find(number)
        assert found is not None
        return told(found, world.here, number)

    text = world.do(world.here, red)
    assert "保存后该户列入低收入群体" in text
    row = world.row(world.add(world.here, "王五", number).row)
    assert row.household_id == home.id
    assert row.added_on
    world.do(world.here, object_leaving.delete, row.id, world.row(row).version)
    with unscoped("tests look") as session:
        kept = session.get_one(Household, home.id)
        assert kept.poverty_exit
        assert not kept.low_income
        assert session.get(type(survey), survey.id) is not None


def test_a_survey_that_waits_for_review_keeps_the_household(world: World):
    home, survey = household(world.near, name="王五", state=State.DRAFT, **other_home())
    row = world.add(world.near, "王五", home.head_id or "").row
    clerk = world.clerks[world.near.id]
    world.do(clerk, steps.transition, LOOKBACK, survey.id, "submit", None, CONTACT)
    for act in (
        lambda: world.add(world.here, "王五", home.head_id or ""),
        lambda: world.leave(row),
    ):
        with pytest.raises(Conflict) as error:
            act()
        assert "待审核" in error.value.message
    far = world.add(world.far, "李四", id_number())
    assert far.row is not None
    with pytest.raises(Conflict):
        world.add(world.far, "王五", home.head_id or "")
    world.do(clerk, steps.transition, LOOKBACK, survey.id, "withdraw", None, CONTACT)
    world.leave(row)
    assert not world.row(row).low_income


def test_two_counties_that_add_one_number_at_the_same_moment(world: World, app: Any):
    number, start = id_number(), threading.Barrier(2, timeout=20)
    said: list[Any] = []

    def add(village: Region) -> None:
        values = {"head_name": "张三", "head_id": number, "sex": "male", "groups": ("allowance",)}
        with app.app_context(), acting_as(world.clerks[village.id]):
            start.wait()
            try:
                said.append(click(objects.add, village.id, values, ""))
            except AnjuError as error:
                said.append(error)
            finally:
                db.session.remove()

    threads = [threading.Thread(target=add, args=(v,)) for v in (world.here, world.far)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    lost = [one for one in said if isinstance(one, objects.Changed)]
    assert len(lost) == 1
    assert "刚刚在别处" in lost[0].message
    assert standing()[number] == 1
    require_one_place()


# ---- what a saved form makes of it ---------------------------------------------------------------


def test_a_form_corrects_name_and_number_beside_what_was_issued(world: World):
    home, _survey = household(world.here, name="王五")
    row = world.row(world.add(world.here, "王五", home.head_id or "").row)
    right, taken = id_number(), id_number()
    world.add(world.far, "张三", taken)
    values = {"head_name": "王武", "head_id": taken, "sex": "male", "groups": ("stricken",)}
    with pytest.raises(Invalid) as error:
        world.do(world.here, records.save, LOW_INCOME, row.id, values, row.version)
    assert "已在名单中" in problems(error)["head_id"]
    values["head_id"] = right
    world.do(world.here, records.save, LOW_INCOME, row.id, values, row.version)
    with unscoped("tests look") as session:
        kept = session.get_one(Household, home.id)
        assert (kept.issued_name, kept.issued_id) == ("王五", home.issued_id)
        assert (kept.head_name, kept.corrected_id, kept.head_id) == ("王武", right, right)
    require_one_place()


# ---- leaving, coming back, members -----------------------------------------------------------------


def test_leaving_needs_a_reason_a_remark_for_others_and_a_head_for_who_is_none(world: World):
    row = world.add(world.here, "张三", id_number()).row
    for asked, where in (
        (Leave(None), "reason"),
        (Leave(Reason.OTHER, " "), "note"),
        (Leave(Reason.NOT_HEAD), "head"),
        (Leave(Reason.NOT_HEAD, head=row.id), "head"),
    ):
        with pytest.raises(Invalid) as error:
            world.do(world.here, object_leaving.leave, row.id, asked)
        assert where in problems(error)
    world.leave(row, Reason.DIED, note="")
    after = world.row(row)
    assert (after.low_income, after.left_reason) == (False, Reason.DIED)
    assert after.left_on
    world.do(world.here, object_leaving.restore, row.id)
    after = world.row(row)
    assert after.low_income
    assert after.left_on is after.left_reason is None
    require_one_place()


def test_a_head_with_low_income_members_stays_until_they_are_restored(world: World):
    head = world.add(world.here, "张三", id_number()).row
    one = world.joined(head)
    with pytest.raises(Conflict) as error:
        world.leave(head)
    assert "李小" in error.value.message
    assert "先逐一恢复" in error.value.message
    back = world.do(world.here, object_leaving.restore_member, head.id, one.id)
    assert world.row(back).low_income
    assert world.members(head) == []
    world.leave(head)
    world.leave(back, Reason.DIED)
    assert standing() == Counter()
    require_one_place()


def test_another_head_takes_the_place_and_the_survey_stays(world: World):
    home, survey = household(world.here, name="王五")
    row = world.add(world.here, "王五", home.head_id or "").row
    one = world.joined(row, "王小")
    world.do(world.here, object_leaving.change_head, row.id, one.id)
    assert world.row(row).head_name == "王小"
    (old,) = world.members(row)
    assert (old.name, old.id_number, old.low_income) == ("王五", home.head_id, True)
    with unscoped("tests look") as session:
        assert session.get_one(type(survey), survey.id).head_name == "王小"
    with unscoped("tests look") as session:
        query = select(LowIncome.id).where(LowIncome.left_reason == Reason.NOT_HEAD)
        gone = session.scalars(query).one()
    with pytest.raises(Conflict):  # who heads a household now is not restored beside it
        world.do(world.here, object_leaving.restore, gone)
    require_one_place()


def test_a_member_is_shown_where_the_head_is_not_low_income(world: World):
    row = world.add(world.here, "张三", id_number()).row
    one = world.joined(row)
    world.leave(row, None, note="", shown=one.id)
    after = world.row(row)
    assert (after.head_name, after.head_low_income) == ("李小", False)
    assert after.low_income
    with pytest.raises(Conflict) as error:
        world.leave(row, Reason.DIED)
    assert "代户主显示" in error.value.message
    with pytest.raises(Conflict):
        world.do(
            world.here, object_leaving.mark_member, row.id, world.members(row)[0].id,
            low_income=False,
        )  # fmt: skip
    require_one_place()


def test_who_left_as_no_head_comes_back_from_the_ledger_unless_moved_since(world: World):
    head = world.add(world.here, "张三", id_number()).row
    row = world.add(world.here, "李小", id_number()).row
    world.leave(row, Reason.NOT_HEAD, head=head.id, note="")
    assert [m.name for m in world.members(head)] == ["李小"]
    world.do(world.here, object_leaving.restore, row.id)
    assert world.members(head) == []
    assert world.row(row).left_to is None
    require_one_place()


def test_only_added_households_without_records_are_deleted(world: World):
    home, _survey = household(world.here, name="王五", state=State.DRAFT, **other_home())
    known = world.add(world.here, "王五", home.head_id or "").row
    with pytest.raises(Conflict) as error:
        world.do(world.here, object_leaving.delete, known.id, world.row(known).version)
    assert "办理退出" in error.value.message
    new = world.add(world.here, "张三", id_number()).row
    world.do(world.here, object_leaving.delete, new.id, world.row(new).version)
    with unscoped("tests look") as session:
        assert session.get(LowIncome, new.id) is None
        assert session.get(Household, new.household_id) is None
    require_one_place()


# ---- random work ------------------------------------------------------------------------------


def test_one_number_is_never_in_two_places_whatever_is_done(world: World):
    pick = random.Random(7)
    numbers = [id_number() for _ in range(7)]
    names = dict(
        zip(numbers, ("甲一", "甲二", "甲三", "甲四", "甲五", "甲六", "甲七"), strict=True)
    )
    managers = [actor(COUNTY_MANAGER, region(code)) for code in ("610122", NEXT_COUNTY)]

    def rows(**wanted: bool) -> list[LowIncome]:
        with unscoped("tests look") as session:
            return list(session.scalars(select(LowIncome).filter_by(**wanted)))

    def add() -> None:
        number = pick.choice(numbers)
        world.add(pick.choice(world.villages), names[number], number)

    def leave() -> None:
        row = pick.choice(rows(low_income=True))
        heads = [r.id for r in rows(low_income=True) if r.region_id == row.region_id]
        shown = pick.choice([None, *(m.id for m in world.members(row))])
        world.leave(row, pick.choice(list(Reason)), head=pick.choice(heads), shown=shown)

    def restore() -> None:
        row = pick.choice(rows(low_income=False))
        world.do(world.place(row), object_leaving.restore, row.id)

    def of_member() -> None:
        row = pick.choice(rows(low_income=True))
        act = pick.choice([object_leaving.restore_member, object_leaving.change_head])
        world.do(world.place(row), act, row.id, pick.choice(world.members(row)).id)

    def decide() -> None:
        with unscoped("tests look") as session:
            query = select(Transfer.id).where(Transfer.state == TransferState.WAITING)
            key = pick.choice(session.scalars(query).all())
        world.do(pick.choice(managers), pick.choice([moves.agree, moves.agree]), key, CONTACT)

    done: Counter[str] = Counter()
    for _ in range(80):
        act = pick.choice([add, add, leave, leave, restore, of_member, of_member, decide])
        try:
            act()
            done[act.__name__] += 1
        except (AnjuError, IndexError):
            db.session.remove()
        assert max(standing().values(), default=1) == 1
    require_one_place()
    assert len(done) == 5, done
    kinds = {NoticeKind.MOVE_ASKED, NoticeKind.MOVE_DONE}
    with unscoped("tests look") as session:
        assert kinds <= set(session.scalars(select(Notice.kind)))
