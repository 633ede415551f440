"""Columns of the dossier. Source: 2024 manual 1.2.3, 三、危房改造档案管理; spec 04 "Dossier"."""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.access.scope import Scoped
from app.core.choices import Choices
from app.core.clock import uuid7
from app.core.db import Model, only_where
from app.core.types import UuidType
from app.kernel.declare import feed
from app.kernel.declare import fields as f
from app.kernel.declare.expressions import ALWAYS
from app.kernel.rows.continuing import Continuing
from app.kernel.rows.record import Reviewed
from app.modules.homes.choices import Progress
from app.modules.renovation.fields import Applied, Planned


class Builder(Choices):
    """Who built: a craftsman of the list (spec 05), a firm, or the household itself."""

    CRAFTSMAN = "craftsman", "乡村建设工匠"
    FIRM = "firm", "施工企业"
    SELF = "self", "农户自建"


class Tenure(Choices):
    """改造后房屋产权."""

    HOUSEHOLD = "household", "农户所有"
    COLLECTIVE = "collective", "集体所有"
    STATE = "state", "国有"
    OTHER = "other", "其他"


def _applied(made: f.Field, label: str = "") -> Any:
    """What the application says, repeated for lists, figures and rules: kept, never typed."""
    return f.system(f.variant(made, label=label or made.label, shown=ALWAYS, checks=[]))


class Dossier(Reviewed, Continuing, Model):
    """The work on one house; one row for each approved application."""

    __tablename__ = "dossier"
    __table_args__ = (
        Index("ix_dossier_place", "path", "id"),
        Index("ix_dossier_state", "state", "path", "id"),
        Index("ix_dossier_stage", "stage", "path", "id"),
        Index("ix_dossier_household", "household_id"),
        Index("ix_dossier_source", "source_id", unique=True),
        Index("ix_dossier_year", "plan_year", "path", "id"),
        Index("ix_dossier_head", "head_id"),
        Index("ix_dossier_craftsman", "craftsman_id", **only_where("craftsman_id IS NOT NULL")),
        Index("ix_dossier_unfinished", "started_on", **only_where("stage = 'started'")),
        Index("ix_dossier_overdue", "path", "id", **only_where("overdue")),
        *feed.indexes("dossier"),
    )

    plan_year = _applied(Planned.plan_year)
    kind = _applied(Planned.kind, "改造类型")
    way = _applied(Planned.way)
    grade = _applied(Planned.grade, "房屋等级")
    applied_on = _applied(Applied.applied_on)
    stage = f.system(f.choice("办理进度", Progress))
    overdue = f.system(f.yes_no("超过12个月未竣工"), default=False)

    started_on = f.date("开工时间", not_after=f.Today(), not_before=applied_on)
    builder = f.choice("施工方", Builder)
    craftsman = f.person("工匠姓名", shown=builder.is_(Builder.CRAFTSMAN))
    craftsman_id = f.id_number(
        "工匠身份证号",
        shown=builder.is_(Builder.CRAFTSMAN),
        found_in="craftsman.id_number",
        help="应是“乡村建设工匠名录”中的工匠，可先在“全省乡村建设工匠台账”按姓名查找",
    )
    firm = f.text("施工企业名称", shown=builder.is_(Builder.FIRM))
    firm_code = f.uscc("施工企业统一社会信用代码", shown=builder.is_(Builder.FIRM))
    photos_during = f.photos("改造中房屋照片", 1, 6, required=False)

    completed_on = f.date("竣工时间", not_before=started_on, not_after=f.Today())
    days = f.computed(f.integer("工期", None, unit="天"), f.Days(started_on, completed_on))
    accepted = f.yes_no("是否验收合格")
    accepted_on = f.date(
        "验收时间", shown=accepted.yes, not_before=completed_on, not_after=f.Today()
    )
    accepted_by = f.text("验收人或单位", shown=accepted.yes)
    structure = f.listed("改造后结构类型", "structure")
    storeys = f.integer("改造后建筑层数", 1, 30, unit="层")
    floor_area = f.decimal("改造后建筑面积", 1, 9999, unit="平方米")
    tenure = f.choice("改造后房屋产权", Tenure)
    photos_after = f.photos("改造后房屋照片", 1, 6)
    acceptance_report = f.papers("验收材料", shown=accepted.yes)

    central_subsidy = f.money("中央补助", help="没有的填 0")
    province_subsidy = f.money("省级补助", help="没有的填 0")
    city_subsidy = f.money("市级补助", help="没有的填 0")
    county_subsidy = f.money("县级补助", help="没有的填 0")
    granted = f.computed(
        f.money("补助合计"),
        f.Total(fields=(central_subsidy, province_subsidy, city_subsidy, county_subsidy)),
    )
    loan = f.money("银行贷款", required=False)
    own_funds = f.money("农户自筹", required=False)
    other_funds = f.money("其他资金", required=False)
    total = f.computed(f.money("资金合计"), f.Total(fields=(granted, loan, own_funds, other_funds)))
    payments = f.children(
        "拨付记录",
        f.row("date", f.date("拨付日期", not_after=f.Today())),
        f.row("amount", f.money("拨付金额")),
        f.row("holder", f.person("账户姓名")),
        f.row("account", f.account("银行账号")),
        required=False,
        high=12,
    )
    paid = f.computed(f.money("已拨付合计"), f.Total(rows=((payments, "amount"),)))
    paid_in_full = f.computed(
        f.yes_no("全额拨付"), paid.compare("eq", granted) & granted.compare("gt", 0)
    )

    accepted.checks.append(
        f.Check(
            "failed",
            accepted.no,
            "验收不合格的，整改并验收合格后再申请拨付。",
            f.Severity.QUESTIONABLE,
        )
    )
    days.checks.append(
        f.Check(
            "hasty",
            days.compare("lt", 15) & days.compare("ge", 0),
            "竣工距开工不到15天，请核实。",
            f.Severity.QUESTIONABLE,
        )
    )
    paid.checks += [
        f.Check("much", paid.compare("gt", granted), "已拨付的补助不能超过补助合计。"),
        f.Check(
            "much_ungranted",
            paid.compare("gt", 0) & ~granted.given,
            "已拨付的补助不能超过补助合计，请先填写各级补助。",
        ),
    ]


class PaidAccount(Scoped, Model):
    """An account that a dossier's grant was paid to, for whoever looks for it in another one.
    ``account`` holds digits alone.
    """

    __tablename__ = "paid_account"
    __table_args__ = (
        Index("ix_paid_account_account", "account"),
        Index("ix_paid_account_dossier", "dossier_id"),
    )

    id: Mapped[uuid.UUID] = mapped_column(UuidType, primary_key=True, default=uuid7)
    dossier_id: Mapped[uuid.UUID] = mapped_column(UuidType, nullable=False)
    household_id: Mapped[uuid.UUID] = mapped_column(UuidType, nullable=False)
    account: Mapped[str] = mapped_column(String(30), nullable=False)
