"""Columns of the archive: the 41 indicators in the order of annex 1 (2009 and 2012; spec 06 "Order")."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import Date, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.access import settings
from app.access.divisions.regions import Level
from app.access.settings import YES_NO, Setting
from app.core.db import Model, only_where
from app.core.i18n import mark
from app.kernel.declare import feed
from app.kernel.declare import fields as f
from app.kernel.declare.expressions import Compare, Expr, setting, within
from app.kernel.declare.quality import Severity
from app.kernel.declare.terms import Const, Ref
from app.kernel.rows.judged import Judged
from app.kernel.rows.record import Keyed, Lasting, NamesHousehold, Submitted, unique_key
from app.modules.archives.choices import (
    ArchiveStage,
    ArchiveStructure,
    ArchiveWay,
    BuiltBy,
    EnergySaving,
    HouseOwner,
    OldDecade,
    PovertyKind,
    RenovationReason,
    SubsidyKind,
)


def _then(made: f.Field, when: Expr) -> Any:
    """A field that may be given at any time, and is missing once ``when`` holds: who gave it early, or takes
    back a date, loses nothing.
    """
    made.required = False
    made.checks.append(f.Check("missing", when & ~made.given, _MISSING, Severity.INCOMPLETE))
    return made


_MISSING = "现在的进度需要填写。"
_XINJIANG, _CORPS = "65", "66"
settings.declare(
    Setting(
        "archive.border",
        mark("边境县"),
        YES_NO,
        False,
        area=Level.COUNTY,
        by_ministry=True,
        help=mark("边境县的农户档案要填写“是否边境一线”；由部级逐县设置。"),
    )
)
_at_border = setting("archive.border").yes | within(_CORPS)
_in_xinjiang = within(_XINJIANG, _CORPS)
_year = Ref("plan_year")
#: Which kinds are chosen from (spec 06 "poverty kind", "Lists").
_KINDS_BY_YEAR = (
    (
        Compare("le", _year, Const(2016)),
        (PovertyKind.FIVE_GUARANTEES, PovertyKind.ALLOWANCE, PovertyKind.OTHER_POOR),
    ),
    (
        Compare("le", _year, Const(2020)),
        (
            PovertyKind.REGISTERED,
            PovertyKind.ALLOWANCE,
            PovertyKind.DESTITUTE,
            PovertyKind.DISABLED,
        ),
    ),
    (
        Compare("ge", _year, Const(2021)),
        (
            PovertyKind.RELAPSE,
            PovertyKind.ALLOWANCE,
            PovertyKind.DESTITUTE,
            PovertyKind.STRICKEN,
            PovertyKind.BORDERLINE,
            PovertyKind.EXITED,
            PovertyKind.GENERAL,
        ),
    ),
)
#: The first plan year: the trial of Guizhou at the end of 2008.
FIRST_YEAR = 2008


class Archive(Judged, Keyed, Lasting, Submitted, NamesHousehold, Model):
    """One household's renovation in one plan year. Its province, city, county, town and village
    committee are the division in which it lies.
    """

    __tablename__ = "archive"
    __table_args__ = (
        unique_key("archive"),
        Index("ix_archive_place", "path", "id"),
        Index("ix_archive_state", "state", "path", "id"),
        Index("ix_archive_progress", "progress", "path", "id"),
        Index("ix_archive_year", "plan_year", "path", "id"),
        Index("ix_archive_number", "head_id"),
        Index("ix_archive_name", "head_name", "id"),
        Index("ix_archive_name_county", "county_id", "head_name", "id"),
        Index("ix_archive_household", "household_id", **only_where("household_id IS NOT NULL")),
        *feed.indexes("archive"),
    )

    progress = f.system(f.choice("改造进度", ArchiveStage), default=ArchiveStage.APPROVED)
    #: The days on which a clerk entered it, unless it was imported, and on which its completion was first told.
    entered_on: Mapped[dt.date | None] = mapped_column(Date)
    completion_told_on: Mapped[dt.date | None] = mapped_column(Date)
    timely = f.system(f.yes_no("录入及时"))

    # 地址情况
    village_group = f.text("村民小组", 40, help="填写全称")
    border = f.yes_no("是否边境一线", belongs=_at_border, help="边境县和兵团填写")

    # 农户情况
    no_number = f.yes_no("无身份证号", required=False)
    no_number_why = f.text("无身份证号的原因", 100, shown=no_number.yes)
    head_id = f.id_number("身份证号", shown=~no_number.yes, none=no_number, why=no_number_why)
    head_id.length = 32  # wrong numbers come in too
    population = f.integer("家庭人数", 1, 99, unit="人")
    ethnicity = f.listed("民族", "ethnicity")
    poverty_kind = f.choice(
        "农户贫困类型", PovertyKind, also={"农村低保户": "allowance"}, offers=_KINDS_BY_YEAR
    )
    disabled_poor = f.yes_no("是否贫困残疾人家庭")
    income = f.money("上年家庭年纯收入")
    old_decade = f.choice("旧住房建造年代", OldDecade, help="没有住房的选择“无房户”")
    _housed = ~old_decade.is_(OldDecade.HOUSELESS)
    old_area = f.decimal("旧住房建筑面积", 0, 9999, unit="平方米", shown=_housed)
    old_structure = f.choice("旧住房结构类型", ArchiveStructure, shown=_housed)
    no_phone = f.yes_no("无联系电话", required=False)
    no_phone_why = f.text("无联系电话的原因", 100, shown=no_phone.yes)
    phone = f.phone("农户联系电话", shown=~no_phone.yes, none=no_phone, why=no_phone_why)

    # 改造情况
    reason = f.choice("改造原因", RenovationReason, shown=_housed)
    way = f.choice("改造方式", ArchiveWay)
    built_by = f.choice("建设方式", BuiltBy)
    structure = f.choice("改造后房屋结构类型", ArchiveStructure, leaves_out=("other",))
    area = f.decimal("改造后房屋面积", 0, 9999, unit="平方米")
    owner = f.choice("改造后房屋产权", HouseOwner)

    # 进度情况
    plan_year = f.year("列入计划的年度", low=FIRST_YEAR)
    approved_on = f.date("批准日期", not_after=f.Today())
    started_on = f.date("开工日期", not_before=approved_on, not_after=f.Today(), required=False)
    completed_on = f.date("竣工日期", not_before=started_on, not_after=f.Today(), required=False)
    _started = started_on.given | completed_on.given
    accepted = _then(f.yes_no("是否已验收"), completed_on.given)

    # 资金情况
    subsidy_kind = f.choice(
        "享受补助资金类型", SubsidyKind, help="按提供补助资金的最高行政级别选择"
    )
    invested = _then(f.money("总投资", help="不含自家投工投劳"), completed_on.given)
    subsidy = f.money("各级政府补助资金", help="各级补助资金之和")
    xinjiang_aid = _then(
        f.money("对口援疆补助资金", belongs=_in_xinjiang, help="新疆维吾尔自治区和兵团填写"),
        completed_on.given,
    )
    loan = _then(f.money("农户危房改造贷款", help="无贷款填 0"), completed_on.given)
    own_funds = _then(f.money("农户其它自筹资金"), completed_on.given)

    # 建筑节能示范
    demonstration = f.yes_no("是否建筑节能示范户")
    energy_saving = _then(
        f.many("建筑节能示范内容", EnergySaving, shown=demonstration.yes), completed_on.given
    )
    energy_cost = _then(
        f.money("建筑节能增加的投资", shown=demonstration.yes, help="因建筑节能高出的投资"),
        completed_on.given,
    )

    # 照片情况
    photos_before = f.photos("改造前照片", 1, 6, shown=_housed)
    _built = _started & ~way.is_(ArchiveWay.EXCHANGE)
    photos_during = f.photos("改造中照片", 1, 6, shown=_built)
    photos_after = f.photos("改造后照片", 1, 6, shown=completed_on.given)
    before_taken = f.system(f.date("改造前照片的拍摄日期"))  # of the last one
    after_taken = f.system(f.date("改造后照片的拍摄日期"))  # of the first one
    face_shown = _then(
        f.yes_no("照片含户主正面肖像", help="至少有一张照片包含户主正面肖像"),
        _housed | _built | completed_on.given,  # before, without a house, there are no photos
    )

    # 档案材料
    application_papers = f.papers("申请材料", 0, 5)
    notice_papers = f.papers("公示材料", 0, 5)
    appraisal_papers = f.papers("危房等级鉴定材料", 0, 5)
    funding_papers = f.papers("资金下达材料", 0, 5)
    acceptance_papers = f.papers("验收材料", 0, 5)

    invested.suggests = f.Total(fields=(subsidy, xinjiang_aid, loan, own_funds))
    plan_year.checks.append(
        f.Check(
            "late", plan_year.compare("gt", f.Today().year.plus(1)), "列入计划的年度最晚为下一年。"
        )
    )
