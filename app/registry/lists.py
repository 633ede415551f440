"""Lists of choices that no rule or figure names: dated rows that the ministry keeps (spec 00).

A record stores the code. Changing a text never changes old records: a changed item is a new row
with a later ``valid_from``.
"""

from __future__ import annotations

import datetime as dt
import time

from sqlalchemy import Date, Index, Integer, SmallInteger, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.core.clock import today
from app.core.db import Model, db
from app.core.i18n import translate
from app.core.types import NfcText

_KEEP_SECONDS = 60.0
_OTHER = "其他"

#: spec 00 "Lists of choices": what the ministry starts from. Codes are 01, 02, …; 99 is 其他.
DEFAULTS: dict[str, tuple[str, ...]] = {
    "year_built": ("1980年及以前", "1981-1990年", "1991-2000年", "2001-2010年", "2011-2015年", "2016年及以后"),
    "structure": ("砖石结构", "土木结构", "混杂结构", "窑洞", "钢筋混凝土结构", "钢结构", _OTHER),
    "way_built": ("自行建造", "建筑工匠建造", "有资质的施工队伍建造", _OTHER),
    "land_nature": ("集体土地", "国有土地"),
    "geological_hazard": ("切坡建房", "滑坡泥石流", "地下采空区", "洪涝", "山体崩塌", "地面沉降", _OTHER),
    "seismic_measure": ("基础地圈梁", "圈梁", "构造柱", _OTHER),
    "alteration": ("楼顶加层", "周边扩建", "楼内建夹层", "室内加隔墙", "楼体抬高", "扩大门窗", "加建地下室", "减柱减隔墙", _OTHER),
    "business": ("餐饮饭店", "民宿宾馆", "批发零售", "休闲娱乐", "教育设施", "医疗卫生", "养老服务", "生产加工", "仓储物流", "出租居住", _OTHER),
    "risky_part": ("地基", "墙体", "梁柱", "楼板", "屋面", _OTHER),
    "damage": ("裂缝", "倾斜", "变形", "沉降", "无明显损伤", _OTHER),
    "relation": ("配偶", "子女", "父母", "兄弟姐妹", _OTHER),
    "energy": ("煤炭", "电", "液化气", "天然气", _OTHER),
    "residence_type": ("住宅",),
    "ethnicity": (
        "汉族", "蒙古族", "回族", "藏族", "维吾尔族", "苗族", "彝族", "壮族", "布依族", "朝鲜族",
        "满族", "侗族", "瑶族", "白族", "土家族", "哈尼族", "哈萨克族", "傣族", "黎族", "傈僳族",
        "佤族", "畲族", "高山族", "拉祜族", "水族", "东乡族", "纳西族", "景颇族", "柯尔克孜族", "土族",
        "达斡尔族", "仫佬族", "羌族", "布朗族", "撒拉族", "毛南族", "仡佬族", "锡伯族", "阿昌族", "普米族",
        "塔吉克族", "怒族", "乌孜别克族", "俄罗斯族", "鄂温克族", "德昂族", "保安族", "裕固族", "京族", "塔塔尔族",
        "独龙族", "鄂伦春族", "赫哲族", "门巴族", "珞巴族", "基诺族", _OTHER,
    ),
}  # fmt: skip


class ListItem(Model):
    """One text of one code of a list, in force from ``valid_from`` to ``valid_to`` (inclusive)."""

    __tablename__ = "list_item"
    __table_args__ = (Index("ix_list_item_list", "list", "sort"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    list: Mapped[str] = mapped_column(NfcText(32), nullable=False)
    code: Mapped[str] = mapped_column(NfcText(32), nullable=False)
    text: Mapped[str] = mapped_column(NfcText(100), nullable=False)
    sort: Mapped[int] = mapped_column(SmallInteger, nullable=False)
    valid_from: Mapped[dt.date | None] = mapped_column(Date)
    valid_to: Mapped[dt.date | None] = mapped_column(Date)


class _Cache:
    """All lists, read together and kept for a minute: they change a few times a year."""

    def __init__(self) -> None:
        self.read_at = 0.0
        self.lists: dict[str, dict[str, str]] = {}

    def get(self) -> dict[str, dict[str, str]]:
        if time.monotonic() - self.read_at > _KEEP_SECONDS or not self.lists:
            self.lists = _read(db.session)
            self.read_at = time.monotonic()
        return self.lists


_cache = _Cache()


def _read(session: Session) -> dict[str, dict[str, str]]:
    day = today()
    lists: dict[str, dict[str, str]] = {name: {} for name in DEFAULTS}
    for item in session.scalars(
        select(ListItem).order_by(ListItem.list, ListItem.sort, ListItem.id)
    ):
        if (item.valid_from or day) <= day <= (item.valid_to or day):
            lists.setdefault(item.list, {})[item.code] = item.text
    return lists


def options(name: str) -> dict[str, str]:
    """Code -> Chinese text of the items in force today, in order."""
    return _cache.get()[name]


def forget() -> None:
    """Read anew at the next use (after a change by the ministry, and in tests)."""
    _cache.lists = {}


def label(name: str, code: str) -> str:
    """The text of a code in the user's language; a code no longer in force is shown as it is."""
    return translate(options(name).get(code, code))


def code_of(name: str, text: str) -> str | None:
    """The code that a form (code) or an Excel cell (text) means, or None."""
    items = options(name)
    if text in items:
        return text
    return next((code for code, known in items.items() if known == text), None)


def seed(session: Session) -> int:
    """Add the default items of lists that have none; returns how many. Caller commits."""
    known = set(session.scalars(select(ListItem.list).distinct()))
    added = [
        ListItem(list=name, code="99" if text == _OTHER else f"{n:02}", text=text, sort=n)
        for name, texts in DEFAULTS.items()
        if name not in known
        for n, text in enumerate(texts, 1)
    ]
    session.add_all(added)
    return len(added)
