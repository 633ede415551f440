"""农户: what the household list shows, and which columns a list that is issued has (spec 00, 08)."""

from __future__ import annotations

from app.access.actor import Capability
from app.kernel.declare.expressions import ALWAYS
from app.kernel.declare.figures import Figure
from app.kernel.declare.groups import Form, Heading, Lists, Menu, Section
from app.kernel.declare.register import register, rule
from app.kernel.rows.household import Finding, Household
from app.kernel.rows.record import Standing

r = rule(Household)
#: One that split off stands on the list when its parent is approved.
listed = ~r.standing.is_(Standing.PENDING)

HOUSEHOLD = register(
    Household,
    title="农户名单",
    heading=Heading(10, icon="users"),
    record_word="农户",
    read_only=True,
    form=Form(save_needs="head_name"),
    sections=(
        Section(
            "农户基本信息",
            "head_name head_id corrected_id sex ethnicity phone population village_group exit_year",
        ),
    ),
    lists=Lists(
        ledger="head_name head_id phone population village_group findings",
        filters="head_name head_id findings exit_year",
        indexed="head_name head_id",
    ),
    listed=listed,
    menus=(
        Menu(
            "list",
            "农户名单",
            Capability.SEARCH,
            action="查看",
            hint="名单下发后，农户会出现在这里；如有疑问，请联系上级主管部门。",
        ),
    ),
    figures={
        "own_house": Figure("既有农房", r.own_house.yes),
        "own_house_low_income": Figure("低收入户既有农房", r.own_house.yes & r.low_income.yes),
        "own_house_others": Figure("一般农户既有农房", r.own_house.yes & ~r.low_income.yes),
        "total": Figure("农户总数", ALWAYS),
        "no_village": Figure("行政区划缺失", r.findings.has(Finding.NO_VILLAGE)),
    },
)
