"""Lists of choices: what may be chosen, in which words, from when to when (spec 00).

Lists that a rule or a figure names are code enums, whose words the ministry may change; all others
are rows that it keeps: code, text, order, days of validity. A record stores the code. A changed
text is a new one beside the old, and records show the text of their own time: see
docs/adr/choices-have-a-history.md.
"""

from __future__ import annotations

import datetime as dt
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import (
    Date,
    Index,
    Integer,
    ScalarSelect,
    SmallInteger,
    UniqueConstraint,
    select,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.core.choices import Choices
from app.core.clock import now, today
from app.core.db import Model, db, is_connected
from app.core.i18n import in_english, translate
from app.core.types import NfcText, UtcDateTime, UuidType

#: How long a process may go on with what it has read, where nobody told it the version in force:
#: in jobs and on pages without an account. A signed-in request learns it with its account.
_KEEP_SECONDS = 5.0
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
    "trade": ("瓦工", "砌筑工", "木工", "水暖工", "电工", "油漆工", "钢筋工", _OTHER),
    "person_kind": ("职业院校毕业生", "退伍军人", "脱贫户", "农民工", _OTHER),
    "training_theory": ("建筑风貌", "农房结构与安全", "建筑识图", "建筑材料", "政策法规", "工程项目管理", _OTHER),
    "training_skill": ("地基处理", "测量与放线", "砌筑", "钢筋绑扎", "模板与混凝土浇筑", "木作", "抹灰与防水", "水电安装", "脚手架与施工安全", _OTHER),
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
    """One code of a list that the ministry keeps, offered from ``valid_from`` to ``valid_to``
    (inclusive); ``text`` is its first text, later ones are :class:`ListText`.
    """

    __tablename__ = "list_item"
    __table_args__ = (
        Index("ix_list_item_list", "list", "sort"),
        UniqueConstraint("list", "code", name="uq_list_item_code"),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    list: Mapped[str] = mapped_column(NfcText(32), nullable=False)
    code: Mapped[str] = mapped_column(NfcText(32), nullable=False)
    text: Mapped[str] = mapped_column(NfcText(100), nullable=False)
    english: Mapped[str | None] = mapped_column(NfcText(200))
    sort: Mapped[int] = mapped_column(SmallInteger, nullable=False)
    valid_from: Mapped[dt.date | None] = mapped_column(Date)
    valid_to: Mapped[dt.date | None] = mapped_column(Date)


class ListText(Model):
    """A later text of one code, of an enum or of a list, in force since an instant."""

    __tablename__ = "list_text"
    __table_args__ = (UniqueConstraint("list", "code", "since", name="uq_list_text_since"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    list: Mapped[str] = mapped_column(NfcText(32), nullable=False)
    code: Mapped[str] = mapped_column(NfcText(32), nullable=False)
    text: Mapped[str] = mapped_column(NfcText(100), nullable=False)
    english: Mapped[str | None] = mapped_column(NfcText(200))
    since: Mapped[dt.datetime] = mapped_column(UtcDateTime, nullable=False, default=now)


class ListVersion(Model):
    """One row: what all lists are now. Another value says that something was changed."""

    __tablename__ = "list_version"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    value: Mapped[uuid.UUID] = mapped_column(UuidType, nullable=False)


Source = str | type[Choices]


@dataclass(frozen=True, slots=True)
class Wording:
    """A text and its English, where the ministry gave one; ``since`` None: from the beginning."""

    text: str
    english: str | None = None
    since: dt.datetime | None = None

    def shown(self) -> str:
        """The text in the user's language."""
        return self.english if self.english and in_english() else translate(self.text)


@dataclass(frozen=True, slots=True)
class Choice:
    """One code with all its texts, the oldest first."""

    code: str
    wordings: tuple[Wording, ...]
    sort: int = 0
    valid_from: dt.date | None = None
    valid_to: dt.date | None = None

    def wording(self, at: dt.datetime | None = None) -> Wording:
        """The text in force at an instant, now unless given; before the first one that one."""
        if len(self.wordings) == 1:
            return self.wordings[0]
        moment = at or now()
        past = [w for w in self.wordings if w.since is None or w.since <= moment]
        return past[-1] if past else self.wordings[0]

    def offered(self, day: dt.date) -> bool:
        """May it be chosen on that day?"""
        return (self.valid_from or day) <= day <= (self.valid_to or day)


@dataclass
class _Read:
    """All lists as they were read at once; never changed, only replaced."""

    version: uuid.UUID | None
    items: dict[str, dict[str, Choice]]
    later: dict[str, dict[str, tuple[Wording, ...]]] = field(default_factory=dict)
    read_at: float = 0.0
    enums: dict[str, dict[str, Choice]] = field(default_factory=dict)
    texts: dict[tuple[str, bool], dict[str, str]] = field(default_factory=dict)

    def of(self, source: Source) -> dict[str, Choice]:
        if isinstance(source, str):
            return self.items[source]
        name = name_of(source)
        if name not in self.enums:
            later = self.later.get(name, {})
            self.enums[name] = {
                str(m.value): Choice(str(m.value), (Wording(m.zh), *later.get(m.value, ())), n)
                for n, m in enumerate(source)
            }
        return self.enums[name]


_wanted: ContextVar[uuid.UUID | None] = ContextVar("lists_version", default=None)
_kept: list[_Read] = []


def name_of(source: Source) -> str:
    """The name under which a list's texts are kept: an enum's is its class's."""
    return source if isinstance(source, str) else source.__name__


def expect(version: uuid.UUID | None) -> None:
    """Say which version is in force, as read with the account; None: nobody knows."""
    _wanted.set(version)


def in_force() -> ScalarSelect[Any]:
    """SQL: the version in force, to be read in the statement that reads the account."""
    return select(ListVersion.value).where(ListVersion.id == 1).scalar_subquery()


def version() -> uuid.UUID | None:
    """The version that this process shows, as a key for what is rendered from lists."""
    return _now().version


def forget() -> None:
    """Read anew at the next use."""
    _kept.clear()


def known(source: Source) -> Mapping[str, Choice]:
    """Every code that ever was, in order."""
    return _now().of(source)


def options(source: Source, keep: Iterable[str] = (), *, all_ever: bool = False) -> dict[str, str]:
    """Code -> text in the user's language of what may be chosen today, in order; beside it the
    codes to ``keep``, which a record holds, or all that ever were.
    """
    day, kept = today(), set(keep)
    return {
        code: one.wording().shown()
        for code, one in known(source).items()
        if all_ever or code in kept or one.offered(day)
    }


def is_offered(source: Source, code: str) -> bool:
    """May the code be chosen today?"""
    one = known(source).get(code)
    return one is not None and one.offered(today())


def label(source: Source, code: str, at: dt.datetime | None = None) -> str:
    """The text of a code in the user's language, as it was at an instant; an unknown code as it is."""
    one = known(source).get(code)
    return one.wording(at).shown() if one else code


def changed(source: Source) -> bool:
    """Has any of its texts ever changed, so that it matters when a record was made?"""
    return any(len(one.wordings) > 1 for one in known(source).values())


def code_of(source: Source, text: str) -> str | None:
    """The code that a form (code) or an Excel cell (text in any language, old ones too) means."""
    return by_text(source).get(text)


def by_text(source: Source) -> Mapping[str, str]:
    """What may stand for each code: the code, its texts of today, then those it ever had; what is
    offered today goes before what is not.
    """
    read, key = _now(), (name_of(source), in_english())
    if key not in read.texts:
        read.texts[key] = _by_text(read.of(source))
    return read.texts[key]


def _by_text(items: Mapping[str, Choice]) -> dict[str, str]:
    day = today()
    ranked = sorted(items.values(), key=lambda one: not one.offered(day))
    found = {code: code for code in items}
    for one in ranked:
        wording = one.wording()
        for text in (wording.text, wording.shown(), wording.english):
            found.setdefault(text or one.code, one.code)
    for one in ranked:
        for wording in reversed(one.wordings):
            for text in (wording.text, translate(wording.text), wording.english):
                found.setdefault(text or one.code, one.code)
    return found


# ---- reading ------------------------------------------------------------------------------


def _now() -> _Read:
    kept = _kept[0] if _kept else None
    if kept is not None:
        wanted = _wanted.get()
        fresh = time.monotonic() - kept.read_at < _KEEP_SECONDS
        if kept.version == wanted if wanted is not None else fresh:
            return kept
    if not is_connected():  # declarations read without a program, as by tests of single rules
        return _Read(None, {name: dict(_first(name)) for name in DEFAULTS})
    read = _read(db.session)
    _kept[:] = [read]
    return read


def _read(session: Session) -> _Read:
    # the version first: what is read after it may be newer, never older
    found = session.scalar(select(ListVersion.value).where(ListVersion.id == 1))
    later: dict[str, dict[str, tuple[Wording, ...]]] = {}
    for row in session.scalars(select(ListText).order_by(ListText.since, ListText.id)):
        of_list = later.setdefault(row.list, {})
        wording = Wording(row.text, row.english, row.since)
        of_list[row.code] = (*of_list.get(row.code, ()), wording)
    items: dict[str, dict[str, Choice]] = {name: {} for name in DEFAULTS}
    for item in session.scalars(select(ListItem).order_by(ListItem.sort, ListItem.id)):
        wordings = (Wording(item.text, item.english), *later.get(item.list, {}).get(item.code, ()))
        items.setdefault(item.list, {})[item.code] = Choice(
            item.code, wordings, item.sort, item.valid_from, item.valid_to
        )
    return _Read(found, items, later, time.monotonic())


def _first(name: str) -> Iterator[tuple[str, Choice]]:
    for n, text in enumerate(DEFAULTS[name], 1):
        code = "99" if text == _OTHER else f"{n:02}"
        yield code, Choice(code, (Wording(text),), n)


def defaults(name: str) -> dict[str, str]:
    """Code -> text of what a list starts from."""
    return {code: one.wordings[0].text for code, one in _first(name)}


def seed(session: Session) -> int:
    """Add the default items of lists that have none; returns how many. Caller commits."""
    known_lists = set(session.scalars(select(ListItem.list).distinct()))
    added = [
        ListItem(list=name, code=code, text=one.wordings[0].text, sort=one.sort)
        for name in DEFAULTS
        if name not in known_lists
        for code, one in _first(name)
    ]
    session.add_all(added)
    if added:
        touch(session)
    return len(added)


def touch(session: Session) -> None:
    """Say to all processes that the lists are no longer what they were. Caller commits."""
    session.merge(ListVersion(id=1, value=uuid.uuid4()))
