"""The declaration of 低收入群体对象管理 (2024 manual 1.2.2 二; spec 03 "Who is on the list")."""

from __future__ import annotations

from app.access.actor import Capability
from app.kernel.declare.expressions import ALWAYS
from app.kernel.declare.figures import Figure
from app.kernel.declare.groups import (
    Form,
    Heading,
    Lists,
    Membership,
    Menu,
    Milestone,
    Section,
    Story,
)
from app.kernel.declare.register import register, rule
from app.modules.homes.choices import Origin
from app.modules.low_income.fields import Upkeep
from app.modules.low_income.model import LowIncome

r = rule(LowIncome)

listed = r.low_income.yes

LOW_INCOME = register(
    LowIncome,
    title="低收入群体对象",
    heading=Heading(30, module="六类对象动态监测"),
    record_word="对象信息",
    follows="low_income",
    listed=listed,
    story=Story(
        membership=Membership("groups origin", since="added_on", left="left_on"),
        milestones=(
            Milestone("added_on", "新增对象", "groups"),
            Milestone("left_on", "退出对象", "left_reason left_note"),
        ),
    ),
    form=Form(save_needs="head_name"),
    sections=(
        Section("对象基本信息", "head_name head_id sex phone"),
        Section("对象类型和住房", "groups housing condition"),
    ),
    lists=Lists(
        ledger="head_name head_id sex groups housing condition upkeep",
        filters="head_name head_id groups origin upkeep condition",
        indexed="head_name head_id upkeep",
    ),
    figures={
        "total": Figure("低收入群体总数", ALWAYS),
        "maintained": Figure("维护完成", r.upkeep.is_(Upkeep.DONE), tone="good"),
        "unmaintained": Figure("未维护", r.upkeep.is_(Upkeep.PENDING), tone="warn"),
        "added": Figure("手工新增", r.origin.is_(Origin.MANUAL), tone="info"),
        "unplaced": Figure("行政区划缺失", r.unplaced.given, tone="bad"),
    },
    menus=(
        Menu(
            "objects",
            "对象信息维护",
            Capability.SEARCH,
            action="维护修改",
            more={"leave": "退出"},
            also=Capability.ENTER,
            adds="新增低收入群体",
            hint="由民政名单导入，或点“新增低收入群体”。",
        ),
        Menu(
            "added",
            "新增对象台账",
            Capability.SEARCH,
            rows=listed & r.added_on.given,
            action="维护修改",
            more={"leave": "退出", "": "删除"},
            also=Capability.ENTER,
            adds="新增低收入群体",
            hint="通过“新增低收入群体”新纳入的名单会出现在这里。",
        ),
        Menu(
            "left",
            "退出对象台账",
            Capability.SEARCH,
            rows=r.left_on.given,
            action="查看",
            hint="在“对象信息维护”中退出的名单会出现在这里，可以恢复。",
        ),
        Menu(
            "unplaced",
            "行政区划缺失台账",
            Capability.SEARCH,
            rows=listed & r.unplaced.given,
            action="维护修改",
            also=Capability.ENTER,
            hint="没有乡镇、村，或名单所写的乡镇、村无法对应的名单会出现在这里。",
        ),
    ),
)
