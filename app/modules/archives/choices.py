"""What the archive's indicators offer. Source: 2009 annex 1; spec 06 "Lists"."""

from __future__ import annotations

from app.core.choices import Choices


class ArchiveStage(Choices):
    """How far the work is: it follows from which dates are given (spec 06 "Stage")."""

    APPROVED = "approved", "批准未开工"
    STARTED = "started", "开工未竣工"
    COMPLETED = "completed", "已竣工"


class PovertyKind(Choices):
    """农户贫困类型: three kinds to 2016, four groups from 2017, the six of spec 03 from 2021."""

    FIVE_GUARANTEES = "five_guarantees", "分散供养五保户"
    ALLOWANCE = "allowance", "低保户"
    OTHER_POOR = "other_poor", "其他贫困户"
    REGISTERED = "registered", "建档立卡贫困户"
    DESTITUTE = "destitute", "农村分散供养特困人员"
    DISABLED = "disabled", "贫困残疾人家庭"
    RELAPSE = "relapse", "易返贫致贫户"
    STRICKEN = (
        "stricken",
        "因病因灾因意外事故等刚性支出较大或收入大幅缩减导致基本生活出现严重困难家庭",
    )
    BORDERLINE = "borderline", "农村低保边缘家庭"
    EXITED = "exited", "其他脱贫户"
    GENERAL = "general", "一般农户"


class OldDecade(Choices):
    """旧住房建造年代, or that there is none."""

    HOUSELESS = "houseless", "无房户"
    TO_1949 = "to_1949", "1949年及以前"
    FIFTIES = "1950s", "50年代"
    SIXTIES = "1960s", "60年代"
    SEVENTIES = "1970s", "70年代"
    EIGHTIES = "1980s", "80年代"
    NINETIES = "1990s", "90年代"
    ZEROS = "2000s", "2000年代"
    TENS = "2010s", "2010年代"
    TWENTIES = "2020s", "2020年代"


class ArchiveStructure(Choices):
    """结构类型: eleven; what is built now is none of the last."""

    THATCH = "thatch", "茅草房"
    MUD_GRASS = "mud_grass", "泥草房"
    CAVE = "cave", "土窑"
    ADOBE = "adobe", "土坯、夯土房（无立柱）"
    PLAIN_MASONRY = "plain_masonry", "砖、石等简易砌体结构（无砖柱、构造柱，无圈梁等）"
    TIMBER = "timber", "竹木、木结构"
    MIXED_TIMBER = "mixed_timber", "砖木、石木、土木结构（木框架）"
    BRICK_CONCRETE = "brick_concrete", "砖混结构（有砖柱或构造柱，有圈梁等）"
    CONCRETE = "concrete", "钢筋混凝土结构"
    LIGHT_STEEL = "light_steel", "轻钢结构"
    OTHER = "other", "其它结构"


class RenovationReason(Choices):
    """改造原因; a household without a house has none."""

    C = "C", "C级危房"
    D = "D", "D级危房"
    OTHER = "other", "其它原因"


class ArchiveWay(Choices):
    """改造方式."""

    REPAIR = "repair", "修缮加固"
    REBUILD = "rebuild", "原址翻建"
    NEW_APART = "new_apart", "异地非集中新建"
    NEW_TOGETHER = "new_together", "异地相对集中新建"
    EXCHANGE = "exchange", "房屋置换"
    FIRST_HOUSE = "first_house", "无房户新建"


class BuiltBy(Choices):
    """建设方式."""

    SELF = "self", "自建"
    UNIFIED = "unified", "统建"


class HouseOwner(Choices):
    """改造后房屋产权."""

    HOUSEHOLD = "household", "归农户"
    COLLECTIVE = "collective", "归村集体"
    OTHER = "other", "其他"


class SubsidyKind(Choices):
    """享受补助资金类型: the highest level that pays."""

    CENTRAL = "central", "中央补助"
    PROVINCE = "province", "省级补助"
    CITY = "city", "地市级补助"
    COUNTY = "county", "县级及以下补助"


class EnergySaving(Choices):
    """建筑节能示范内容."""

    WALL = "wall", "墙体"
    OPENINGS = "openings", "门窗"
    ROOF = "roof", "屋面"
    FLOOR = "floor", "地面"
