"""Choices that rules and figures of several registers name (2024 manual 1.2.1)."""

from __future__ import annotations

from app.core.choices import Choices


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
