"""What is looked for in archives (spec 06 "Data quality"): rules beside those that the fields' own options
make, where they come from, and how what breaks them is mended. Nothing of it forbids saving.
"""

from __future__ import annotations

from typing import Any

from app.access import settings
from app.access.divisions.regions import Level
from app.access.settings import NUMBER, Setting
from app.core.i18n import mark
from app.kernel.declare.expressions import Compare, Expr, Fact, setting
from app.kernel.declare.field import Check, Compared, Field, Shared, shared_check
from app.kernel.declare.quality import Quality, Ruling, Severity
from app.kernel.declare.register import rule
from app.kernel.declare.terms import Between, Const, Sum
from app.modules.archives.choices import ArchiveWay, RenovationReason
from app.modules.archives.model import Archive

_FORM = mark("2009年运行管理规定附件一")
_TRAINING = mark("2012年培训材料：要与列入计划年度相符合")
_FUNDS = mark("2009年运行管理规定附件一：总投资为各项资金之和")
_STANDARD = mark("国家规定的改造面积标准")
_LIKELY = mark("数据质量核查")
_SQUARE = mark("平方米")
_IDENTITY = "GB 11643"
_OVERLAPS = mark("保障措施数据核查：身份证号重复")


def _number(name: str, label: str, default: int, unit: str, highest: int, **said: Any) -> Fact:
    """A threshold that provinces may set for themselves, larger ones too."""
    word = f"archive.{name}"
    made = Setting(
        word, label, NUMBER, default, 0, highest, Level.PROVINCE, unit=unit, free=True, **said
    )
    settings.declare(made)
    return setting(word)


_years = _number(
    "tolerance", mark("批准日期与列入计划年度最多相差几年"), 0, mark("年"), 5,
    help=mark("0表示批准日期必须在列入计划的年度内。"),
)  # fmt: skip
_fast = _number("fast_days", mark("开工到竣工不足多少天作为质疑"), 15, mark("天"), 365)
_few_high = _number("area_few_high", mark("1至3人户改造后房屋面积上限"), 60, _SQUARE, 999)
_each_high = _number("area_each_high", mark("4人及以上户人均面积上限"), 18, _SQUARE, 999)
_few_low = (
    _number("area_one_low", mark("1人户改造后房屋面积下限"), 20, _SQUARE, 999),
    _number("area_two_low", mark("2人户改造后房屋面积下限"), 30, _SQUARE, 999),
    _number("area_three_low", mark("3人户改造后房屋面积下限"), 40, _SQUARE, 999),
)
_each_low = _number("area_each_low", mark("4人及以上户人均面积下限"), 13, _SQUARE, 999)
settings.declare(
    Setting(
        "archive.phones",
        mark("同一联系电话用于多少户及以上作为质疑"),
        NUMBER, 3, 2, 100,
        unit=mark("户"),
        help=mark("全国比对，由部级统一设置。"),
    )
)  # fmt: skip
#: Amounts of 元 between which the investment of one house usually lies.
_LEAST, _MOST = 1000, 500_000

r = rule(Archive)
_NEW = (ArchiveWay.REBUILD, ArchiveWay.NEW_APART, ArchiveWay.NEW_TOGETHER)
_FUNDED = (r.subsidy.ref, r.xinjiang_aid.ref, r.loan.ref, r.own_funds.ref)
_DOUBT = Severity.QUESTIONABLE
_built = ~r.way.is_(ArchiveWay.REPAIR)


def _of_size(few: tuple[Fact, Fact, Fact], each: Fact, op: str) -> Expr:
    """The area lies beyond what families of one, two, three have, or beyond so much a head."""
    population, area = r.population, r.area
    large = population.compare("ge", 4) & area.compare(op, population.ref.times(each))
    for persons, limit in enumerate(few, 1):
        large |= population.is_(persons) & area.compare(op, limit)
    return _built & large


def _questionable(code: str, wrong: Expr, text: str, source: str, remedy: str) -> Check:
    return Check(code, wrong, text, Severity.QUESTIONABLE, source=source, remedy=remedy)


def _over_others(
    field: str, code: str, shared: Shared, text: str, remedy: str, severity: Severity = _DOUBT,
    source: str = _LIKELY,
) -> Check:  # fmt: skip
    return shared_check(field, code, shared, text, severity, source, remedy)


#: The rules by the field beside which they stand.
RULES: dict[str, tuple[Check, ...]] = {
    "head_id": (
        _over_others(
            "head_id",
            "shared",
            Shared(Compared.NUMBER, "head_id", home="head_name", valid=True),
            mark("同一身份证号出现在两户的档案中。"),
            mark("请对照身份证核对户主姓名和身份证号；在本辖区找不到另一户的，请联系上级。"),
            Severity.ERROR,
            _OVERLAPS,
        ),
    ),
    "head_name": (
        _over_others(
            "head_name",
            "shared",
            Shared(Compared.NAME, "head_name region_id plan_year", where=~r.head_id.valid),
            mark("没有有效身份证号，且同村同年度已有同名户主的档案。"),
            mark("请核对是否同一户重复录入；确为两户的，无需修改。"),
        ),
    ),
    "phone": (
        _over_others(
            "phone",
            "shared",
            Shared(
                Compared.PHONE, "phone", home="head_id", least=setting("archive.phones"), valid=True
            ),
            mark("同一联系电话用于多户。"),
            mark("请核对农户本人的联系电话；确无电话的选“无联系电话”。"),
        ),
    ),
    "approved_on": (
        Check(
            "other_year",
            Compare("gt", r.approved_on.year, r.plan_year.ref.plus(_years))
            | Compare("gt", r.plan_year.ref, r.approved_on.year.plus(_years)),
            mark("批准日期不在列入计划的年度内。"),
            source=_TRAINING,
            remedy=mark("请核对批准日期和列入计划的年度，改正写错的一项。"),
        ),
    ),
    "started_on": (
        Check(
            "skipped",
            r.completed_on.given & ~r.started_on.given,
            mark("已填竣工日期，没有填写开工日期。"),
            Severity.INCOMPLETE,
            source=_FORM,
            remedy=mark("请补填开工日期。"),
        ),
        _questionable(
            "before_plan",
            Compare("lt", r.started_on.year, r.plan_year.ref),
            mark("开工日期早于列入计划的年度。"),
            _TRAINING,
            mark("请核对开工日期；确实提前开工的，无需修改。"),
        ),
    ),
    "completed_on": (
        Check(
            "before_approval",
            r.completed_on.compare("lt", r.approved_on),
            mark("竣工日期早于批准日期。"),
            source=_FORM,
            remedy=mark("请核对批准日期和竣工日期。"),
        ),
        _questionable(
            "after_next_year",
            Compare("gt", r.completed_on.year, r.plan_year.ref.plus(1)),
            mark("竣工日期晚于列入计划年度的下一年。"),
            _TRAINING,
            mark("请核对竣工日期；确实跨年竣工的，无需修改。"),
        ),
        _questionable(
            "fast",
            r.completed_on.compare("ge", r.started_on)
            & Compare("lt", Between(r.started_on.ref, r.completed_on.ref), _fast),
            mark("开工到竣工的天数过少。"),
            _LIKELY,
            mark("请核对开工日期和竣工日期。"),
        ),
    ),
    "way": (
        _questionable(
            "repaired_d",
            r.reason.is_(RenovationReason.D) & r.way.is_(ArchiveWay.REPAIR),
            mark("D级危房一般应拆除重建，这里填的是修缮加固。"),
            _STANDARD,
            mark("请核对改造原因和改造方式。"),
        ),
        _questionable(
            "rebuilt_c",
            r.reason.is_(RenovationReason.C) & r.way.in_(*_NEW),
            mark("C级危房一般应修缮加固，这里填的是新建。"),
            _STANDARD,
            mark("请核对改造原因和改造方式。"),
        ),
    ),
    "area": (
        _questionable(
            "large",
            _of_size((_few_high, _few_high, _few_high), _each_high, "gt"),
            mark("改造后房屋面积超过本省标准（国家标准：1至3人户不超过60平方米，4人及以上户人均不超过18平方米）。"),
            _STANDARD,
            mark("请核对改造后房屋面积和家庭人数。"),
        ),
        _questionable(
            "small",
            _of_size(_few_low, _each_low, "lt"),
            mark("改造后房屋面积低于本省标准（国家标准：1、2、3人户不低于20、30、40平方米，4人及以上户人均不低于13平方米）。"),
            _STANDARD,
            mark("请核对改造后房屋面积和家庭人数。"),
        ),
    ),
    "invested": (
        Check(
            "sum",
            r.completed_on.given
            & (
                Compare("gt", r.invested.ref, Sum((*_FUNDED, Const(1))))
                | (r.invested.given & Compare("lt", Sum((r.invested.ref, Const(1))), Sum(_FUNDED)))
            ),
            mark("总投资与各项资金之和相差超过1元。"),
            source=_FUNDS,
            remedy=mark("请核对总投资、补助资金、援疆资金、贷款和自筹资金。"),
        ),
        _questionable(
            "few",
            r.invested.compare("lt", _LEAST),
            mark("总投资不足1000元。"),
            _LIKELY,
            mark("请核对单位是否为元。"),
        ),
        _questionable(
            "many",
            r.invested.compare("gt", _MOST),
            mark("总投资超过50万元。"),
            _LIKELY,
            mark("请核对单位是否为元。"),
        ),
    ),
    "photos_before": (
        _questionable(
            "taken_late",
            Compare("gt", r.before_taken.ref, r.started_on.ref),
            mark("改造前照片的拍摄日期晚于开工日期。"),
            _LIKELY,
            mark("请核对照片和开工日期。"),
        ),
    ),
    "photos_after": (
        _questionable(
            "taken_early",
            Compare("lt", r.after_taken.ref, r.completed_on.ref),
            mark("改造后照片的拍摄日期早于竣工日期。"),
            _LIKELY,
            mark("请核对照片和竣工日期。"),
        ),
    ),
    "face_shown": (
        Check(
            "nobody",
            r.face_shown.no,
            mark("没有一张照片包含户主正面肖像。"),
            Severity.INCOMPLETE,
            source=_FORM,
            remedy=mark("请补拍包含户主正面肖像的照片。"),
        ),
        _over_others(
            "face_shown",
            "same_photo",
            Shared(Compared.PHOTO, "photos_before photos_during photos_after"),
            mark("同一张照片使用了两次及以上。"),
            mark("请核对改造前、中、后照片，换成该户该阶段的照片。"),
        ),
    ),
}  # fmt: skip

_DATE = Ruling(source=_FORM, remedy=mark("请核对日期。"))
#: Of rules that the fields' own options make.
QUALITY = Quality(
    saving=(),
    submitting=(Severity.ERROR,),
    rulings={
        "head_id.invalid": Ruling(source=_IDENTITY, remedy=mark("请对照身份证重新填写。")),
        "phone.invalid": Ruling(source=_FORM, remedy=mark("确无电话的选“无联系电话”。")),
        "head_id.required": Ruling(
            source=_FORM, remedy=mark("请补填身份证号；确无证件的选“无身份证号”并说明原因。")
        ),
        "approved_on.late": _DATE,
        "started_on.early": _DATE,
        "started_on.late": _DATE,
        "completed_on.early": _DATE,
        "completed_on.late": _DATE,
    },
    kept=True,
)


def add_rules(fields: dict[str, Field]) -> None:
    """The rules stand with their fields."""
    for name, checks in RULES.items():
        fields[name].checks = [*fields[name].checks, *checks]


add_rules(Archive.__fields__)
