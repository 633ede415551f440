"""The declaration of the ledger (spec 02): list, figures, tables."""

from __future__ import annotations

from app.access.actor import Capability
from app.parts.choices import Measure
from app.registers.risk import backfill
from app.registers.risk.model import Danger, Risk
from app.registry.register import (
    Column,
    Derived,
    Figure,
    Identity,
    Menu,
    Section,
    Table,
    Years,
    columns,
    register,
    rule,
)

r = rule(Risk)
secured, unsecured = r.secured.yes, ~r.secured.yes


#: Every measure by which a household that is not safe yet is to be helped.
PLAN = tuple(f"plan_{measure.value}" for measure in Measure)

RISK = register(
    Risk,
    title="C、D级农户台账",
    record_word="住房安全未保障台账",
    module="脱贫户住房安全保障回头看",
    read_only=True,
    years=Years("measure_year", since=2024),
    derived=Derived(backfill.wrong, backfill.mend),
    sections=(
        Section("住房安全情况", "grade origin surveyed_on"),
        Section("保障信息", "secured measure measure_year interim_measure"),
        Section("所在名单", "poverty_exit low_income"),
    ),
    ledger="head_name head_id grade secured measure measure_year interim_measure origin",
    filters="head_name head_id grade secured measure measure_year origin poverty_exit low_income",
    indexed="head_name head_id grade secured",
    figures={
        "total": Figure("C、D级和无房农户", r.grade.given),
        "grade_c": Figure("C级", r.grade.is_(Danger.C), tone="warn"),
        "grade_d": Figure("D级", r.grade.is_(Danger.D), tone="bad"),
        "no_house": Figure("无房户", r.grade.is_(Danger.NO_HOUSE), tone="info"),
        "poverty_exit": Figure("其中：脱贫户", r.poverty_exit.yes),
        "low_income": Figure("其中：六类对象", r.low_income.yes),
        "secured": Figure("已保障", secured, tone="good"),
        "unsecured": Figure("未保障", unsecured, tone="bad"),
        "interim": Figure("其中：已采取过渡期安全措施", unsecured & r.interim_measure.given),
        **{
            name: Figure(measure.zh, unsecured & r.measure.is_(measure))
            for name, measure in zip(PLAN, Measure, strict=True)
        },
    },
    headline="total secured unsecured",
    tables=(
        Table(
            "summary",
            "住房安全未保障统计",
            (
                *columns("total poverty_exit low_income grade_c grade_d no_house secured"),
                Column(
                    head="未保障", columns=(Column("unsecured", head="合计"), Column("interim"))
                ),
            ),
            identities=(
                Identity("total = grade_c + grade_d + no_house"),
                Identity("total = secured + unsecured"),
            ),
            chart=("secured", "unsecured"),
            progress=("secured", "total"),
        ),
        Table(
            "plan",
            "未保障农户保障计划统计",
            (
                *columns("total secured unsecured"),
                Column(head="保障措施", columns=columns(" ".join(PLAN))),
            ),
            identities=(Identity(f"unsecured = {' + '.join(PLAN)}"),),
            chart=PLAN,
        ),
    ),
    menus=(
        Menu(
            "ledger",
            "C、D级农户台账",
            Capability.SEARCH,
            action="查看",
            hint="鉴定或评估为C级、D级的农户和无房户，在档案审核通过后会自动出现在这里。",
        ),
    ),
)
