"""危房改造抗震改造: what is applied for, and what is built then (spec 04).

Source: 2024 manual 填报说明 and 二、危房改造申请管理. ``Planned`` is what an application and the dossier
that follows it have in common; ``Applied`` is the whole application.
"""

from __future__ import annotations

from typing import Any

from app.core.choices import Choices
from app.kernel.declare import fields as f
from app.kernel.declare.expressions import Expr
from app.kernel.rows.household import Household, Sex
from app.modules.homes.choices import Grade, Hardship, Living, Measure
from app.modules.homes.family import Home
from app.modules.homes.house import APPRAISALS_FROM, Assurance, Safety


class Kind(Choices):
    """申请改造类型."""

    RENOVATION = "renovation", "危房改造"
    RETROFIT = "retrofit", "抗震改造"


class Way(Choices):
    """改造方式 (2024 guideline §五, 7类)."""

    REPAIR = "repair", "修缮加固"
    REBUILD = "rebuild", "原址翻建"
    NEW_SITE = "new_site", "异地新建"
    EXCHANGE = "exchange", "房屋置换"
    FIRST_HOUSE = "first_house", "无房新建"
    STRENGTHEN = "strengthen", "抗震加固"
    OTHER = "other", "其他"


class Basis(Choices):
    """What an application stands on: the survey of its household that counts (spec 02)."""

    WAITING = "waiting", "待列入计划"
    HELD = "held", "有效"
    DOUBTED = "doubted", "待核实"
    CLOSED = "closed", "已关闭"


#: Why an application comes back (2024 manual 危房改造申请管理).
RETURN_REASONS = ("资料不全", "信息有误")
#: Measures are secured in or after the year of the survey, and these began with the appraisals.
FIRST_YEAR = APPRAISALS_FROM.year


#: 无房户: what may be done for a household that has no house.
WAYS_WITHOUT_HOUSE = (Way.FIRST_HOUSE, Way.EXCHANGE, Way.OTHER)


class Planned(f.Declared):
    """The work that is planned for a house, the same in application and dossier."""

    no_house = f.yes_no("是否无房户", help="由审核通过的住房安全信息确定")
    grade = f.choice("房屋安全鉴定评估结果", Grade, shown=no_house.no)
    kind = f.choice("申请改造类型", Kind)
    energy_saving = f.yes_no("是否同步实施节能改造")
    barrier_free = f.yes_no("是否同步实施无障碍改造")
    way = f.choice("改造方式", Way)
    plan_year = f.year("列入计划年度", low=FIRST_YEAR)

    kind.checks += [
        f.Check(
            "safe",
            kind.is_(Kind.RENOVATION) & grade.in_(Grade.A, Grade.B),
            "危房改造只适用于鉴定评估为 C 级、D 级的房屋和无房户。",
        ),
        f.Check(
            "no_house",
            kind.is_(Kind.RETROFIT) & no_house.yes,
            "无房户没有可以抗震改造的房屋，请选择“危房改造”。",
        ),
    ]
    way.checks += [
        f.Check(
            "no_house",
            no_house.yes & way.given & ~way.in_(*WAYS_WITHOUT_HOUSE),
            "无房户的改造方式只能选择“无房新建”“房屋置换”或“其他”。",
        ),
        f.Check(
            "has_house",
            no_house.no & way.is_(Way.FIRST_HOUSE),
            "“无房新建”只适用于无房户。",
        ),
        f.Check(
            "strengthen",
            way.is_(Way.STRENGTHEN) & ~kind.is_(Kind.RETROFIT),
            "“抗震加固”只适用于抗震改造。",
        ),
    ]


class Applied(Planned):
    """申请信息. Household facts come from the household and its survey, and stay editable here."""

    sex = f.choice("户主性别", Sex)
    population = f.integer("家庭户籍人口", 1, 30, unit="人")
    ethnicity = f.listed("户主民族", "ethnicity")
    phone = f.phone("联系电话")
    priority = f.yes_no("是否低收入群体六类重点对象", help="选择“否”的为一般农户")
    hardship = f.many("困难对象类型", Hardship, shown=priority.yes)
    veteran = f.yes_no("是否有退役军人")
    disabled = f.yes_no("是否有残疾人")
    elder = f.yes_no("是否有老年人", help="60周岁（含）以上的人员")
    child = f.yes_no("是否有儿童", help="18周岁以下的人员")
    minority = f.yes_no("家庭成员是否有少数民族")

    applied_on = f.date("申请时间", not_after=f.Today())
    published = f.yes_no("是否公示")
    plan_year = f.variant(Planned.plan_year, help="由住房安全信息的保障年度带出")
    plan_year.checks += [
        f.Check(
            "early",
            plan_year.compare("lt", applied_on.year.plus(-1)),
            "列入计划年度不能早于申请时间的上一年度。",
        ),
        f.Check(
            "late",
            plan_year.compare("gt", applied_on.year.plus(1)),
            "列入计划年度不能晚于申请时间的下一年度。",
        ),
    ]
    judged_by = f.text("鉴定评估机构", required=False, shown=Planned.no_house.no)
    judged_by_code = f.uscc(
        "鉴定评估机构统一社会信用代码", required=False, shown=Planned.no_house.no
    )
    judged_on = f.date(
        "鉴定评估时间",
        required=False,
        shown=Planned.no_house.no,
        not_before=APPRAISALS_FROM,
        not_after=f.Today(),
    )
    photos_before = f.photos("改造前房屋照片", 1, 6, shown=Planned.no_house.no)
    appraisal = f.papers("房屋安全鉴定评估材料", shown=Planned.no_house.no)
    application_paper = f.papers("申请证明文件")


#: Which survey asks for which work (spec 02 "assurance", spec 04 step 2): not yet secured, and applied
#: for a renovation of a house of grade C or D or of a household without one, or for a retrofit.
_unsecured = Assurance.secured.no
NEEDS: dict[Kind, Expr] = {
    Kind.RENOVATION: _unsecured
    & Assurance.measure.is_(Measure.RENOVATION)
    & (Safety.grade.in_(Grade.C, Grade.D) | Home.living.is_(Living.NONE)),
    Kind.RETROFIT: _unsecured
    & Assurance.measure.is_(Measure.RETROFIT)
    & ~Home.living.is_(Living.NONE),
}


def kind_needed(survey: Any) -> Kind | None:
    """The work that an approved survey asks for, or None."""
    values = {name: getattr(survey, name) for name in _ASKED}
    return next((kind for kind, where in NEEDS.items() if where.test(values)), None)


_ASKED = sorted({name for where in NEEDS.values() for name in where.names()})


def prefilled(
    household: Household, survey: Any, groups: tuple[str, ...] | None = None
) -> dict[str, Any]:
    """What an application says before anybody types: what the survey, the household and the list of
    low-income households (its ``groups``) say.
    """
    houseless = survey.living == Living.NONE
    known = {
        "no_house": houseless,
        "kind": kind_needed(survey),
        "plan_year": survey.measure_year,
        "sex": survey.sex or household.sex,
        "population": survey.population or household.population,
        "ethnicity": survey.ethnicity or household.ethnicity,
        "phone": household.phone or survey.phone,
        "priority": household.low_income,
        "hardship": groups if household.low_income else None,
    }
    if houseless:
        known["way"] = Way.FIRST_HOUSE
    else:
        known |= {name: getattr(survey, name) for name in _OF_THE_HOUSE}
    return known


_OF_THE_HOUSE = ("grade", "judged_by", "judged_by_code", "judged_on")
