"""Choices that rules and figures of several registers name (2024 manual 1.2.1)."""

from __future__ import annotations

from typing import Any

from app.core.choices import Choices
from app.kernel.declare import fields as f
from app.modules.homes.written import HARDSHIP


class Living(Choices):
    """现住房情况; 无房户 only where a register offers it (spec 03)."""

    OWN = "own", "自有农村住房"
    OTHER = "other", "其他安全住房"
    NONE = "none", "无房户"


class Grade(Choices):
    """Grade of a house's safety by appraisal or assessment."""

    A = "A", "A级"
    B = "B", "B级"
    C = "C", "C级"
    D = "D", "D级"


class Judged(Choices):
    """Who judged: an institution (鉴定) or trained staff (评估)."""

    APPRAISAL = "appraisal", "鉴定"
    ASSESSMENT = "assessment", "评估"


class Seismic(Choices):
    SATISFIED = "satisfied", "满足抗震设防要求"
    NOT_SATISFIED = "not_satisfied", "不满足抗震设防要求"


class Measure(Choices):
    """保障措施 (2024 manual 1.2.1 保障信息)."""

    RENOVATION = "renovation", "农村危房改造"
    RETROFIT = "retrofit", "农房抗震改造"
    RESETTLEMENT = "resettlement", "生态移民、水库移民和避险搬迁"
    PUBLIC_HOUSING = "public_housing", "集体公租房、幸福大院等公共住房"
    OTHER = "other", "其他方式"
    SELF = "self", "自主整改"


class OtherHome(Choices):
    """其他安全住房 (2024 manual 1.2.1)."""

    TOWN_HOUSE = "town_house", "自有城市住房"
    PUBLIC_RENTAL = "public_rental", "集体公租房"
    HAPPINESS_COURT = "happiness_court", "幸福大院"
    CARE_HOME = "care_home", "敬（养）老院"
    WITH_RELATIVES = "with_relatives", "投亲靠友"
    RENTED = "rented", "租住借住其他安全房屋"
    OTHER = "other", "其他"


class Policy(Choices):
    """Housing-safety policies a household may have enjoyed."""

    RENOVATION = "renovation", "危房改造"
    POVERTY_RELOCATION = "poverty_relocation", "易地扶贫搬迁"
    HAZARD_RELOCATION = "hazard_relocation", "避险搬迁"
    ECOLOGICAL = "ecological", "生态搬迁"
    RESERVOIR = "reservoir", "水库搬迁"
    OTHER = "other", "其他"


class ParcelState(Choices):
    """Whether the house's footprint was found on the disaster census's map."""

    CHOSEN = "chosen", "选择图斑"
    NOT_FOUND = "not_found", "未发现图斑"


class PriorKind(Choices):
    """Where an earlier result about a house comes from."""

    APPRAISAL = "appraisal", "鉴定评估"
    MONITORING = "monitoring", "动态监测"
    RENOVATION = "renovation", "危房改造"
    CENSUS = "census", "自然灾害风险普查"
    SELF_BUILT = "self_built", "自建房排查"


class Hardship(Choices):
    """困难对象类型: the six groups of spec 03, the sixth under its short name."""

    RELAPSE = "relapse", "易返贫致贫户"
    ALLOWANCE = "allowance", "农村低保户"
    DESTITUTE = "destitute", "农村分散供养特困人员"
    STRICKEN = (
        "stricken",
        "因病因灾因意外事故等刚性支出较大或收入大幅缩减导致基本生活出现严重困难家庭",
    )
    BORDERLINE = "borderline", "农村低保边缘家庭"
    EXITED = "exited", "其他脱贫户"


class Origin(Choices):
    """对象来源: how the household came onto the list."""

    ISSUED = "issued", "住建新下发"
    CIVIL = "civil", "民政下发"
    MANUAL = "manual", "手工新增"
    OFF_LIST = "off_list", "库外补录"


class Progress(Choices):
    """办理进度: the last stage that the county approved."""

    STARTED = "started", "已开工"
    COMPLETED = "completed", "已竣工"
    PAID = "paid", "已拨付"


#: The stages of a work that is completed.
COMPLETED = (Progress.COMPLETED, Progress.PAID)


#: The sixth group whole; a dossier says it short.
UNHELPED = "未享受过农村住房保障政策且依靠自身力量无法解决住房安全问题的其他脱贫户"


def groups() -> Any:
    """The six groups; a household belongs to one or several."""
    return f.many("对象类型", Hardship, words={Hardship.EXITED.value: UNHELPED}, also=HARDSHIP)
