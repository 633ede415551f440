"""The tree of administrative divisions (行政区划): nation, province, city, county, town, village.

A node's parent is the truth, never its code: a development zone may carry a foreign code, three
cities are their own only county, and 新疆生产建设兵团 is a reporting unit of province level
(spec 01). Where a node stands is written into its ``path``, so that everything below it is one
index range.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from functools import cache, lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    ForeignKey,
    Index,
    Integer,
    Select,
    SmallInteger,
    String,
    UniqueConstraint,
    and_,
    bindparam,
    exists,
    func,
    literal,
    literal_column,
    select,
    union_all,
)
from sqlalchemy.orm import InstrumentedAttribute, Mapped, aliased, mapped_column
from sqlalchemy.types import TypeDecorator

from app.core.db import Model, db, only_where
from app.core.i18n import mark, translate
from app.core.types import NfcText, PathType, UtcDateTime

CODE_LENGTH = 12
NATION_PATH = "0."
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
DEPARTMENT = "住房和城乡建设部"  # 管理部门类别 of the 2024 manual, 行政区划管理


class Level(IntEnum):
    """Level of a division; stored as its number, the lower the nearer to the nation."""

    NATION = 0
    PROVINCE = 1
    CITY = 2
    COUNTY = 3
    TOWN = 4
    VILLAGE = 5

    @property
    def zh(self) -> str:
        """The official word: 市级, never 地级."""
        return _WORDS[self]

    @property
    def label(self) -> str:
        """The same in the user's language."""
        return translate(self.zh)


_WORDS = {
    Level.NATION: mark("部级"),
    Level.PROVINCE: mark("省级"),
    Level.CITY: mark("市级"),
    Level.COUNTY: mark("县级"),
    Level.TOWN: mark("乡镇级"),
    Level.VILLAGE: mark("村级"),
}


_LABEL_WIDTH = dict.fromkeys(Level, 2) | {Level.VILLAGE: 3}


class LevelType(TypeDecorator[Level]):
    """A :class:`Level`, stored as its number."""

    impl = SmallInteger
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> int | None:
        return None if value is None else int(value)

    def process_result_value(self, value: Any, dialect: Any) -> Level | None:
        return None if value is None else Level(value)


class Region(Model):
    """One division. A structural one (市辖区, 省直辖县级行政区划) only groups codes.

    It has no label of its own, carries its parent's path, and is never in a full name, a picker
    or a statistic; its children stand directly under its parent.
    """

    __tablename__ = "region"
    __table_args__ = (
        UniqueConstraint("level", "code", name="uq_region_level_code"),
        Index("ix_region_path", "path"),
        Index("ix_region_upper", "path", **only_where(f"level <= {Level.COUNTY:d}")),
        Index("ix_region_parent", "parent_id", "sort"),
        # A search by name or initials reads one range of these, the area included.
        Index("ix_region_name", "level", "name", "path"),
        Index("ix_region_initials", "level", "initials", "path"),
        {"sqlite_autoincrement": True},  # the id of a deleted division is never given again
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("region.id"))
    level: Mapped[Level] = mapped_column(LevelType)
    code: Mapped[str] = mapped_column(NfcText(CODE_LENGTH))
    national_code: Mapped[str] = mapped_column(NfcText(CODE_LENGTH))
    name: Mapped[str] = mapped_column(NfcText(60))
    full_name: Mapped[str] = mapped_column(NfcText(200))
    path: Mapped[str] = mapped_column(PathType)
    sort: Mapped[int]
    initials: Mapped[str] = mapped_column(NfcText(60))
    structural: Mapped[bool] = mapped_column(default=False)
    department: Mapped[str] = mapped_column(NfcText(40), default=DEPARTMENT)
    county_id: Mapped[int | None]
    province_id: Mapped[int | None]
    #: The last label given to a child that did not come with the seed; see app.admin.divisions.moves.
    last_label: Mapped[int | None]

    def __repr__(self) -> str:
        return f"<Region {self.code} {self.full_name}>"

    @property
    def label(self) -> str:
        """Its name as pages show it: divisions are called alike in every language, the whole country is not."""
        return translate(self.name) if self.level == Level.NATION else self.name

    @property
    def full_label(self) -> str:
        """The same with what it lies in."""
        return self.label if self.level == Level.NATION else self.full_name


class RegionSeed(Model):
    """What the loader has put in: a code prefix, ``""`` for the whole tree.

    Kept so that a second load does nothing, and a division that an administrator deleted or
    merged does not come back.
    """

    __tablename__ = "region_seed"

    prefix: Mapped[str] = mapped_column(String(CODE_LENGTH), primary_key=True)
    nodes: Mapped[int]
    loaded_at: Mapped[Any] = mapped_column(UtcDateTime)


#: A column of paths; of accounts and the audit log it may be empty.
PathColumn = (
    InstrumentedAttribute[str]
    | InstrumentedAttribute[str | None]
    | ColumnElement[str]
    | ColumnElement[str | None]
)


def subtree(path: str) -> tuple[str, str]:
    """The half-open range ``lo <= path < hi`` of a division and all below it.

    ``"/"`` follows ``"."`` in ASCII, so the range needs bytewise comparison (PathType).
    """
    if not path.endswith("."):
        raise ValueError(f"not a region path: {path!r}")
    return path, path[:-1] + "/"


def in_subtree(column: PathColumn, path: str) -> ColumnElement[bool]:
    """The condition that ``column`` lies in the subtree of ``path``: one index range. What lies
    nowhere (NULL) lies in none.
    """
    low, high = subtree(path)
    return and_(column >= low, column < high)


def below(column: PathColumn, path: PathColumn) -> ColumnElement[bool]:
    """:func:`in_subtree` of a division whose path is a column of the same statement."""
    stem = func.substr(path, literal_column("1"), func.length(path) - literal_column("1"))
    return and_(column >= path, column < stem.concat(literal_column("'/'")))


def within(path: str, area: str) -> bool:
    """Is ``path`` the division ``area`` or below it? The same question without a database."""
    return path.startswith(area)


def ancestor_paths(path: str) -> list[str]:
    """The paths above ``path``, the nation's first: ``0.0r.01.`` -> ``["0.", "0.0r."]``."""
    labels = path.rstrip(".").split(".")
    return [".".join(labels[:count]) + "." for count in range(1, len(labels))]


def joined_name(parent: Any, name: str) -> str:
    """The full name of a child: its parent's and its own; a name like the parent's adds nothing
    (东莞市). ``parent`` has a level, a name and a full name.
    """
    if parent.level == Level.NATION:
        return name
    if parent.name == name:
        return str(parent.full_name)
    return f"{parent.full_name}{name}"


@cache
def label(number: int, level: Level) -> str:
    """A number among siblings as a step of a path: base 36, of a level's fixed width, a dot.

    :raises ValueError: more siblings than the width can number.
    """
    text = ""
    for _place in range(_LABEL_WIDTH[level]):
        number, digit = divmod(number, 36)
        text = _DIGITS[digit] + text
    if number:
        raise ValueError("more siblings than a label can number")
    return text + "."


def get(region_id: int) -> Region | None:
    """One division by key, or None."""
    return db.session.get(Region, region_id)


def by_code(code: str, level: Level | None = None) -> Region | None:
    """The division with this code; of those that share it (东莞 4419, 金门) the highest. Where none
    has it today, the one that had it before or took it over in a merge.

    ``code`` may be short (610122), as statistics write it.
    """
    full = code.ljust(CODE_LENGTH, "0")
    levels = [level] if level is not None else list(Level)
    query = select(Region).where(Region.level.in_(levels), Region.code == full)
    found = db.session.scalars(query.order_by(Region.level).limit(1)).first()
    return found or _formerly(full, levels)


def _formerly(code: str, levels: Sequence[Level]) -> Region | None:
    """The division that stands for the one that lately had this code."""
    from app.access.divisions.former import LEFT_BEHIND, RegionHistory

    query = (
        select(Region)
        .join(RegionHistory, RegionHistory.into_id == Region.id)
        .where(
            RegionHistory.code == code,
            RegionHistory.kind.in_(LEFT_BEHIND),
            Region.level.in_(levels),
        )
    )
    return db.session.scalars(query.order_by(RegionHistory.at.desc()).limit(1)).first()


def along(path: str) -> Sequence[Region]:
    """The divisions from the nation down to the one at ``path``; no structural ones."""
    paths = [*ancestor_paths(path), path]
    query = select(Region).where(Region.path.in_(paths), ~Region.structural)
    return db.session.scalars(query.order_by(Region.level)).all()


def ancestors(region: Region) -> Sequence[Region]:
    """The divisions above ``region``, the nation first; structural ones are not among them."""
    return [above for above in along(region.path) if above.level < region.level]


def county_of(region: Region) -> Region | None:
    """The county-level division in which ``region`` lies (itself, if it is one), else None."""
    return get(region.county_id) if region.county_id is not None else None


def children(region: Region, *, include_structural: bool = False) -> Sequence[Region]:
    """The divisions directly under ``region``, in their order.

    A structural one is replaced by its own children, which stand behind the cities (spec 01),
    unless ``include_structural`` asks for the tree as it is stored.
    """
    query = _children(include_structural=include_structural)
    return db.session.scalars(query, {"region_id": region.id}).all()


@lru_cache  # every table and picker asks it, and building it takes as long as the answer
def _children(*, include_structural: bool) -> Select[Any]:
    key = bindparam("region_id", type_=Integer)
    below = Region.parent_id == key if include_structural else is_child_of(key)
    return select(Region).where(below).order_by(Region.level, Region.sort, Region.code)


def is_child_of(region_id: int | ColumnElement[int]) -> ColumnElement[bool]:
    """The condition that a division is a shown child; one index lookup a parent."""
    key = literal(region_id) if isinstance(region_id, int) else region_id
    group = aliased(Region)
    groups = select(group.id).where(group.parent_id == key, group.structural)
    parents = union_all(select(key), groups)  # OR would read the whole table
    return and_(Region.parent_id.in_(parents), ~Region.structural)


def has_children() -> ColumnElement[bool]:
    """The condition that a division has others below it, to be selected beside it."""
    below = aliased(Region)
    return exists().where(below.parent_id == Region.id).correlate(Region)
