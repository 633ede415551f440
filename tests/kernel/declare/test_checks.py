"""``flask check``: each stable id is found by exactly the declaration that is wrong in that way."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import Index, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

import app.models  # noqa: F401  (declares the registers)
from app.access.actor import Capability, Kind
from app.access.divisions.regions import Level
from app.access.entry import Entry
from app.core.choices import Choices
from app.core.types import UuidType
from app.kernel.declare import fields as f
from app.kernel.declare import register as registering
from app.kernel.declare.checks import program
from app.kernel.declare.expressions import ALWAYS, Fact, Given, within
from app.kernel.declare.field import Compared, Shared, shared_check
from app.kernel.declare.figures import Figure, Years
from app.kernel.declare.flow import county_review, optional_county_review
from app.kernel.declare.groups import (
    UNORDERED,
    Asks,
    Creates,
    Form,
    Frozen,
    Heading,
    Lists,
    Membership,
    Menu,
    Milestone,
    Paper,
    Renewal,
    Review,
    Section,
    Story,
)
from app.kernel.declare.quality import Quality, Ruling, Severity
from app.kernel.declare.register import Register, all_registers
from app.kernel.declare.stages import Stage
from app.kernel.declare.tables import Briefing, Column, Identity, Mean, Rate, Table
from app.kernel.declare.terms import Ref

TOWN = (Level.TOWN, Kind.MANAGER)
UNKNOWN = Given(Ref("nothing"))


def model(**fields: Any) -> Any:
    """A mapped class with a few good fields, and others."""

    class Base(DeclarativeBase):
        pass

    body = {
        "__tablename__": "thing",
        "__annotations__": {"id": Mapped[int]},
        "id": mapped_column(primary_key=True),
        "name": f.text("名称"),
        "ready": f.yes_no("是否就绪"),
        "proof": f.papers("材料"),
        "state": f.system(f.text("状态")),
    }
    for made_name, made in fields.items():
        if isinstance(made, f.Field):
            made.__set_name__(Base, made_name)
    body |= {n: made for n, made in fields.items() if made is not None}
    return type("Thing", (f.Declared, Base), body)


#: Lists that are right.
LISTS = Lists("name state", filters="name state", indexed="name")


def declared(names: str = "", *, fields: dict[str, Any] | None = None, **changes: Any) -> Register:
    """A register that is right, but for ``changes``."""
    made = model(**(fields or {}))
    own = " ".join(n for n, x in made.__fields__.items() if not x.system)
    right = {
        "sections": (Section("一", names or own, all_no="ready" if not names else ""),),
        "lists": LISTS,
        "form": Form(save_needs="name proof", remember="name"),
        "figures": {"total": Figure("总数", made.__fields__["name"].given)},
        "headline": "total",
        "tables": (Table("t", "表", (Column("total"),), (Identity("total = total"),), ("total",)),),
        "menus": (Menu("entry", "录入", Capability.ENTER),),
    }
    return Register(name="thing", model=made, title="物", **right | changes)


def keyed() -> dict[str, Any]:
    """What ``Keyed`` and its index bring."""
    index = Index("uq_thing_key", "unique_key", unique=True)
    return {"unique_key": mapped_column(String(80)), "__table_args__": (index,)}


MAKES = Creates(Level.COUNTY)
DELETED = (Menu("gone", "已删除", Capability.RESTORE, rows=Given(Ref("hidden_on"))),)


def lasting() -> dict[str, Any]:
    """What ``Lasting`` brings."""
    said = {n: f.system(f.text("删除")) for n in ("hidden_by", "hidden_why")}
    return {"hidden_on": f.system(f.date("删除日期"))} | said


def circle() -> dict[str, Any]:
    return {
        "one": f.text("一", shown=Given(Ref("two"))),
        "two": f.text("二", shown=Given(Ref("one"))),
    }


def figures(name: str = "total", **changes: Any) -> dict[str, Any]:
    return {name: Figure("总数", **{"where": Given(Ref("name"))} | changes)}


def table(**changes: Any) -> tuple[Table, ...]:
    return (Table(**{"name": "t", "title": "表", "columns": (Column("total"),)} | changes),)


PROGRESS = table(progress=("total", "total"))
DECIDED = {"decided_at": f.system(f.date("审核时间"))}
REVIEWED = DECIDED | {n: f.system(f.text("审")) for n in ("submitted_by", "submitted_at")}
ALL = "name ready proof"
MILD = Severity.QUESTIONABLE
ODD = f.Check("odd", Given(Ref("name")), "怪。", cast(Severity, "warning"))

KEPT = Quality(kept=True)
STAGED = Review(county_review, stages=(Stage("begun", "开工"),))
LONG = "x" * 40


def judged() -> dict[str, Any]:
    """What keeps which rules are broken."""
    return {
        "severities": f.system(f.many("数据质量", Severity)),
        "broken": f.system(f.codes("规则", dict)),
    }


def alike(names: str) -> Any:
    """A text that is compared with that of other records."""
    rule = Shared(Compared.NAME, names)
    return f.text("物", checks=[shared_check("extra", "same", rule, "相同。", MILD, "", "")])


def mild(code: str) -> Any:
    """A number whose rule of that code is no error."""
    return f.integer("数", 1, 9, severities={code: MILD})


class Aid(Choices):
    CENTRAL = "central", "中央补助"
    PROVINCE = "province", "省级补助"


class OddAid(Choices):
    ODD = "a/b", "怪"


MONEY = {"price": f.money("费用")}
SUMS = {
    "total": Figure("总数", Given(Ref("name"))),
    "cost": Figure("费用", Given(Ref("name")), sum="price"),
}
PLAN = {"plan": f.year("年度"), "aid": f.choice("补助", Aid), "odd": f.choice("怪", OddAid)}
TWICE = [f.Check("c", UNKNOWN & ~UNKNOWN, "甲。"), f.Check("c", UNKNOWN, "乙。")]
WRONG: list[tuple[str, Any]] = [
    ("R002", lambda: declared(f"{ALL} nothing")),
    ("R003", lambda: declared(f"{ALL} state")),
    ("R004", lambda: declared(sections=(Section("一", ALL, all_no="nothing"),))),
    ("R005", lambda: declared(sections=(Section("一", ALL, all_no="name"),))),
    ("R006", lambda: declared(sections=(Section("一", ALL), Section("二", "name")))),
    ("R007", lambda: declared("name proof")),
    ("R008", lambda: declared(fields={"changed_at": f.system(f.date("改"))})),
    ("R010", lambda: declared(lists=replace(LISTS, ledger="nothing"))),
    ("R010", lambda: declared(form=Form(save_needs="nothing"))),
    ("R010", lambda: declared(form=Form(remember="nothing"))),
    ("R011", lambda: declared(lists=replace(LISTS, ledger="proof"))),
    ("R011", lambda: declared(lists=replace(LISTS, filters="name proof"))),
    ("R012", lambda: declared(lists=replace(LISTS, indexed="name ready"))),
    ("R013", lambda: declared(fields={"extra": f.text("")})),
    ("R013", lambda: declared(fields={"extra": f.text("长" * 41)})),
    ("R014", lambda: declared(fields={"extra": f.listed("单", "no_such_list")})),
    ("R014", lambda: declared(fields={"extra": f.many("单", "no_such_list")})),
    ("R015", lambda: declared(fields={"extra": f.children("人", f.row("d", f.region("地")))})),
    ("R015", lambda: declared(fields={"extra": f.children("人", f.row("d", f.photos("照")))})),
    ("R017", lambda: declared(fields={"extra": f.id_number("人", found_in="nobody.number")})),
    ("R016", lambda: declared(fields={"extra": f.photos("照", taken_on="name")})),
    ("R020", lambda: declared(fields={"extra": f.integer("数", checks=[
        f.Check("low", Given(Ref("name")), "重复。")])})),
    ("R020", lambda: declared(fields={"extra": f.text("名", checks=[
        f.Check("required", Given(Ref("name")), "必填。")])})),
    ("R021", lambda: declared(fields={"extra": f.text("名", checks=[
        f.Check("mute", Given(Ref("name")), "")])})),
    ("R022", lambda: declared(fields={"extra": f.text("名", shown=UNKNOWN)})),
    ("R022", lambda: declared(fields={"extra": f.text("名", checks=[
        f.Check("odd", ~UNKNOWN, "奇怪。")])})),
    ("R022", lambda: declared(sections=(Section("一", ALL, shown=UNKNOWN),))),
    ("R022", lambda: declared(fields=REVIEWED, review=Review(county_review, builds=UNKNOWN))),
    ("R022", lambda: declared(frozen=Frozen(UNKNOWN, "不能办理。"))),
    ("R010", lambda: declared(renewal=Renewal("新增", without="nothing"))),
    ("R023", lambda: declared(fields=circle())),
    ("R024", lambda: declared(fields={"n": f.system(f.integer("数")), "extra": f.text("名", shown=Given(Ref("n")))})),
    ("R030", lambda: declared(figures=figures(where=UNKNOWN))),
    ("R031", lambda: declared(figures=figures(where=Given(Ref("proof"))))),
    ("R032", lambda: declared(headline="nothing")),
    ("R032", lambda: declared(tables=table(columns=(Column("nothing"),)))),
    ("R032", lambda: declared(tables=table(chart=("nothing",)))),
    ("R032", lambda: declared(fields=DECIDED, tables=table(progress=("nothing", "total")))),
    ("R032", lambda: declared(tables=table(identities=(Identity("total = nothing"),)))),
    ("R032", lambda: declared(tables=table(columns=(Rate("率", "total", "nothing"),)))),
    ("R032", lambda: declared(tables=table(columns=(Rate("率", "nobody.total", "total"),)))),
    ("R033", lambda: declared(figures=figures(tone="loud"))),
    ("R035", lambda: declared(years=Years("nothing", since=2024))),
    ("R036", lambda: declared(fields=DECIDED, briefing=Briefing("物", ("共{nothing}件。",), "没有。"), tables=PROGRESS)),
    ("R036", lambda: declared(
        fields=DECIDED, briefing=Briefing("物", (), "没有。", todo=(("nothing", "看。"),)), tables=PROGRESS)),
    ("R037", lambda: declared(briefing=Briefing("物", (), "没有。"))),
    ("R038", lambda: declared(fields=DECIDED, briefing=Briefing("物", (), "没有。", by_year="t"), tables=PROGRESS)),
    ("R058", lambda: declared(lists=replace(LISTS, by_figure=("安全情况", "nothing")))),
    ("R040", lambda: declared(moves=Asks("ready", "name"))),
    ("R040", lambda: declared(splits=Asks("ready", "nothing"))),
    ("R042", lambda: declared(follows="everybody")),
    ("R041", lambda: declared(splits=Asks("ready", "heads"), fields={
        "heads": f.children("户主", f.row("name", f.text("姓名")))})),
    ("R050", lambda: declared(story=Story(milestones=(Milestone("name", "建成"),)))),
    ("R050", lambda: declared(fields={"day": f.date("日")},
                              story=Story(milestones=(Milestone("day", "建成", "proof"),)))),
    ("R051", lambda: declared(follows="poverty_exit", story=Story(membership=Membership("proof")))),
    ("R051", lambda: declared(follows="poverty_exit", story=Story(membership=Membership("name", "ready")))),
    ("R051", lambda: declared(story=Story(membership=Membership("name")))),
    ("R022", lambda: declared(listed=UNKNOWN)),
    ("R022", lambda: declared(papers=(Paper("form", "表", rows=UNKNOWN),))),
    ("R092", lambda: declared(papers=(Paper("Form", "表"),))),
    ("R092", lambda: declared(papers=(Paper("form", "表"), Paper("form", "另一表")))),
    ("R092", lambda: declared(papers=(Paper("form", ""),))),
    ("R093", lambda: declared(papers=(Paper("form", "表", without="nothing"),))),
    ("R034", lambda: declared(tables=table(name="week"))),
    ("R080", lambda: declared(tables=table(columns=(Rate("率", "total", "total", "best"),)))),
    ("R081", lambda: declared(figures=figures(sum="nothing"))),
    ("R081", lambda: declared(figures=figures(sum="name"))),
    ("R081", lambda: declared(fields={"built": f.year("年")}, figures=figures(sum="built"))),
    ("R082", lambda: declared(fields=MONEY, figures=SUMS, headline="total cost")),
    ("R082", lambda: declared(fields=MONEY, figures=SUMS, lists=replace(LISTS, by_figure=("费", "cost")))),
    ("R082", lambda: declared(fields=MONEY, figures=SUMS, tables=table(chart=("cost",)))),
    ("R082", lambda: declared(fields=MONEY | DECIDED, figures=SUMS, tables=table(progress=("cost", "total")))),
    ("R082", lambda: declared(fields=MONEY | DECIDED, figures=SUMS, tables=PROGRESS,
                              briefing=Briefing("物", ("共{cost}元。",), "没有。"))),
    ("R082", lambda: declared(fields=MONEY, figures=SUMS, tables=table(
        identities=(Identity("total = cost"),)))),
    ("R083", lambda: declared(fields=MONEY, figures=SUMS, tables=table(columns=(Rate("率", "cost", "total"),)))),
    ("R083", lambda: declared(fields=MONEY, figures=SUMS, tables=table(columns=(Mean("均", "total", "total"),)))),
    ("R083", lambda: declared(fields=MONEY, figures=SUMS, tables=table(columns=(Mean("均", "cost", "cost"),)))),
    ("R084", lambda: declared(fields=PLAN, years=Years("plan", 2024, by="name"))),
    ("R084", lambda: declared(fields=PLAN, years=Years("plan", 2024, by="nothing"))),
    ("R084", lambda: declared(fields=PLAN, years=Years("plan", 2024, by="odd"))),
    ("R084", lambda: declared(fields=PLAN, years=Years("plan", 2024, by="aid", usual_kind="city"))),
    ("R084", lambda: declared(fields=PLAN, years=Years("plan", 2024, usual_kind="city"))),
    ("R032", lambda: declared(tables=table(columns=(Rate("率", "total", "total", lacks="nothing"),)))),
    ("R034", lambda: declared(tables=table(name="why"))),
    ("R085", lambda: declared(quotas=True)),
    ("R085", lambda: declared(tables=table(columns=(Column("quota"),)))),
    ("R060", lambda: declared(creates=Creates(Level.COUNTY), fields={"household_id": mapped_column(UuidType, nullable=False)})),
    ("R068", lambda: declared(fields={"extra": f.id_number("人", none=f.yes_no("无"))})),
    ("R068", lambda: declared(fields={"extra": f.phone("电话", why=f.text("为什么"))})),
    ("R065", lambda: declared(key="nothing", creates=MAKES, fields=keyed())),
    ("R065", lambda: declared(key="state", creates=MAKES, fields=keyed())),
    ("R066", lambda: declared(key="name", creates=MAKES)),
    ("R066", lambda: declared(key="name", fields=keyed())),
    ("R067", lambda: declared(review=Review(county_review, setting="审核"), creates=MAKES, fields=REVIEWED)),
    ("R067", lambda: declared(review=Review(optional_county_review, setting="审核"), fields=REVIEWED)),
    ("R061", lambda: declared(review=Review(county_review))),
    ("R090", lambda: declared(entry=Entry(by=((Level.VILLAGE, Kind.MANAGER),)))),
    ("R090", lambda: declared(entry=Entry(by=(TOWN,), on_grant=(TOWN,)))),
    ("R090", lambda: declared(entry=Entry(by=(), on_grant=(TOWN,)))),
    ("R090", lambda: declared(entry=Entry(by=(TOWN,)), read_only=True)),
    ("R091", lambda: declared(fields=lasting(), creates=MAKES)),
    ("R091", lambda: declared(fields=lasting(), keeps=True, menus=DELETED)),
    ("R091", lambda: declared(fields=lasting(), keeps=True, creates=MAKES)),
    ("R091", lambda: declared(fields=lasting(), keeps=True, creates=MAKES, menus=(replace(DELETED[0], capability=Capability.SEARCH),))),
    ("R070", lambda: declared(fields={"extra": f.text("多", checks=[ODD])}, names=f"{ALL} extra")),
    ("R071", lambda: declared(f"{ALL} extra", fields={"extra": mild("nothing")})),
    ("R071", lambda: declared(f"{ALL} extra", fields={"extra": mild("required")})),
    ("R072", lambda: declared(quality=Quality(rulings={"name.nothing": Ruling(MILD)}))),
    ("R072", lambda: declared(quality=Quality(rulings={"proof.low": Ruling(MILD)}))),
    ("R073", lambda: declared(quality=Quality(saving=(MILD,)))),
    ("R074", lambda: declared(quality=KEPT)),
    ("R075", lambda: declared(quality=KEPT, review=STAGED, fields=REVIEWED | judged())),
    ("R076", lambda: declared(quality=KEPT, fields=judged(), figures=figures() | figures("error"))),
    (
        "R076",
        lambda: declared(f"{ALL} {LONG}", quality=KEPT, fields=judged() | {LONG: f.text("长")}),
    ),
    ("R022", lambda: declared(fields={"extra": f.text("物", shown=within("650"))})),
    ("R022", lambda: declared(fields={"extra": f.text("物", shown=Fact("no.setting", 1).yes)})),
    ("R086", lambda: declared(fields={"extra": f.text("物", belongs=Given(Ref("name")))})),
    ("R087", lambda: declared(fields={"extra": f.choice("类", Aid, leaves_out=(next(iter(Aid)),), offers=((ALWAYS, (next(iter(Aid)),)),))})),
    ("R088", lambda: declared(fields={"extra": alike("name")})),
    ("R088", lambda: declared(quality=KEPT, fields=judged() | {"extra": alike("nothing")})),
    ("R062", lambda: declared(tables=table(progress=("total", "total")))),
]  # fmt: skip


def test_a_right_declaration_has_no_problem() -> None:
    assert list(program.check(declared())) == []


def test_a_right_key_has_no_problem() -> None:
    assert list(program.check(declared(key="name", creates=MAKES, fields=keyed()))) == []


def test_a_declaration_takes_no_name_that_it_does_not_know(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registering, "_registers", [])
    with pytest.raises(TypeError, match="ledgers"):
        registering.register(model(), title="物", ledgers="name")  # type: ignore[call-arg]
    assert registering.register(model(), title="物").name == "thing"
    assert [one.title for one in all_registers()] == ["物"]


def test_the_declared_registers_have_no_problem() -> None:
    assert all_registers()
    assert program.check_all() == []


@pytest.mark.parametrize(("id_", "make"), WRONG)
def test_a_wrong_declaration_is_found(id_: str, make: Any) -> None:
    assert {problem.id for problem in program.check(make())} == {id_}


def test_two_registers_of_one_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registering, "_registers", [])
    made = model()
    for _ in range(2):
        registering.register(made, title="物")
    assert {problem.id for problem in program.check_all()} == {"R001"}


def test_two_enums_of_one_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registering, "_registers", [])
    for number in range(2):
        way = Choices("Way", {"A": ("a", "甲")})
        registering.register(model(way=f.choice("方式", way)), name=f"thing{number}", title="物")
    assert "R052" in {problem.id for problem in program.check_all()}


def test_two_registers_in_one_place_of_the_menu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registering, "_registers", [])
    for name, order in {"one": 10, "two": 20, "three": UNORDERED}.items():
        registering.register(model(), name=name, title="物", heading=Heading(order))
    registering.register(model(), name="four", title="物")
    assert "R063" not in {problem.id for problem in program.check_all()}
    registering.register(model(), name="five", title="物", heading=Heading(20))
    assert [p.register for p in program.check_all() if p.id == "R063"] == ["two"]


def test_a_register_whose_table_no_migration_makes() -> None:
    tables = {register.model.__tablename__ for register in all_registers()}
    assert program.check_all(tables) == []
    (found,) = program.check_all(tables - {"lookback"})
    assert (found.id, found.register) == ("R059", "lookback")
    assert "flask db migrate" in found.message


def test_a_review_has_no_problem_with_a_reviewed_model() -> None:
    made = declared(review=Review(county_review), tables=PROGRESS, fields=REVIEWED)
    assert list(program.check(made)) == []


def test_every_id_has_its_wrong_declaration() -> None:
    files = Path(program.__file__).parent.glob("*.py")
    code = "".join(file.read_text(encoding="utf-8") for file in files)
    assert set(re.findall(r'"(R\d\d\d)"', code)) == {id_ for id_, _ in WRONG} | {
        "R001",
        "R052",
        "R063",
        "R064",
        "R059",
    }
