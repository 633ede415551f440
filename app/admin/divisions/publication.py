"""One publication: pending changes become the tree, step by step, inside one transaction.

Adds come first (parents before children), then renames and moves from above to below, merges from
below to above, deletes last. Everything is asked and written past the scope guard: the actor's
right to the area was checked, and all of it lies inside.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import String, bindparam, cast, delete, insert, literal, or_, select, update

from app.access.accounts import notices
from app.access.accounts.notices import NoticeKind
from app.access.actor import Actor
from app.access.divisions.former import VALUES, ChangeKind, RegionChange, RegionHistory
from app.access.divisions.names import initials
from app.access.divisions.regions import Level, Region, in_subtree, joined_name
from app.admin.divisions import counts as division_counts
from app.admin.divisions import holdings as division_holdings
from app.admin.divisions import moves as region_moves
from app.admin.divisions.crowds import crowds
from app.admin.divisions.history import Chronicle, Wanted, parts_of, regions_of
from app.admin.divisions.reading import PARENTS
from app.admin.divisions.values import LONGEST_FULL_NAME
from app.core.db import db
from app.core.errors import Conflict
from app.core.i18n import _
from app.core.jobs.table import Job, JobState
from app.kernel.households import keys as household_keys
from app.kernel.quotas import following as quotas

_TABLE: Any = Region.__table__
_VALUES = tuple(name for name in VALUES if name != "parent_id")

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Obstacle:
    """Why a pending change cannot take effect."""

    region_id: int
    name: str
    message: str


class NotPublishable(Conflict):
    """Nothing was published; ``details["obstacles"]`` tells why, change by change."""

    code = "not_publishable"

    def __init__(self, obstacles: Sequence[Obstacle]) -> None:
        first = obstacles[0]
        message = _("没有生效：“%(name)s”%(why)s", name=first.name, why=first.message)
        if len(obstacles) > 1:
            message += _("另有%(n)s项也不能生效。", n=len(obstacles) - 1)
        super().__init__(message, obstacles=list(obstacles))


def moves(change: Any, region: Any) -> bool:
    """Does the change give the division another parent?"""
    return bool(change.kind == ChangeKind.CHANGE and change.parent_id != region.parent_id)


@dataclass
class Publication:
    """The changes of one 立即生效, being applied in the session's transaction."""

    actor: Actor
    changes: Sequence[Wanted]
    progress: Progress
    obstacles: list[Obstacle] = field(default_factory=list)
    renamed: set[str] = field(default_factory=set)  # paths below which full names change
    keys: dict[uuid.UUID, str] = field(default_factory=dict)  # of households without a number
    counted: set[int] = field(default_factory=set)  # divisions whose own rows are counted anew
    done: int = 0

    def run(self) -> None:
        self.connection = db.session.connection()
        self.chronicle = Chronicle(self.actor)
        self.before = self._regions([change.region_id for change in self.changes])
        self._hold()
        self._free_codes()
        self._add()
        self._change()
        self._merge()
        self._delete()
        if self.obstacles:
            raise NotPublishable(self.obstacles)
        there = self._regions(list(self.counted)).values()
        division_counts.count_anew(db.session(), sorted(region.path for region in there))
        household_keys.renew(db.session(), self.keys)
        self._full_names()
        self._tell_crowds()
        self._forget_pending()
        self.chronicle.write_down(self.connection)

    # ---- before ---------------------------------------------------------------------------

    def _of(self, *kinds: ChangeKind) -> list[Any]:
        return [change for change in self.changes if change.kind in kinds]

    def _hold(self) -> None:
        """Nobody writes where something moves; jobs of accounts that move along begin anew."""
        paths = set()
        for change in self._of(ChangeKind.CHANGE, ChangeKind.MERGE, ChangeKind.DELETE):
            region = self.before.get(change.region_id)
            if region is None:
                self._refuse(change, _("已经不存在，请撤销这项变更。"))
            elif change.kind != ChangeKind.CHANGE or moves(change, region):
                paths.add(region.path)
        goals = self._regions(
            [c.into_id for c in self._of(ChangeKind.MERGE)]
            + [c.parent_id for c in self._of(ChangeKind.CHANGE)]
        )
        counties = {g.county_id for g in goals.values() if g.county_id is not None}
        counties |= {
            r.county_id for r in self.before.values() if r.path in paths and r.county_id is not None
        }
        for path in {r.path for r in self.before.values() if r.path in paths and not r.county_id}:
            below = select(_TABLE.c.id).where(
                in_subtree(_TABLE.c.path, path), _TABLE.c.level == Level.COUNTY
            )
            counties |= set(self.connection.scalars(below))
        if paths:
            region_moves.hold_counties(self.connection, counties)
        self.keys = household_keys.kept(db.session(), sorted(paths))
        for part in parts_of(sorted(paths)):
            place: Any = Job.path
            theirs = or_(*(in_subtree(place, path) for path in part))
            again = update(Job).where(Job.state == JobState.RUNNING, theirs)
            self.connection.execute(again.values(state=JobState.QUEUED))

    def _free_codes(self) -> None:
        """Codes that are given up are free before others take them; swaps need it."""
        going = [
            change.region_id
            for change in self._of(ChangeKind.CHANGE, ChangeKind.MERGE, ChangeKind.DELETE)
            if change.region_id in self.before
            and (change.kind != ChangeKind.CHANGE
                 or change.code != self.before[change.region_id].code)
        ]  # fmt: skip
        for part in parts_of(going):
            free = update(_TABLE).where(_TABLE.c.id.in_(part))
            self.connection.execute(free.values(code=literal("~") + cast(_TABLE.c.id, String)))
        taken: dict[tuple[int, str], Any] = {}
        comers = self._of(ChangeKind.ADD, ChangeKind.CHANGE)
        for change in comers:
            if taken.setdefault((change.level, change.code), change) is not change:
                self._refuse(change, _("的代码 %(code)s 重复。", code=change.code))
        for part in parts_of(comers):
            codes = {change.code for change in part}
            query = select(_TABLE.c.id, _TABLE.c.level, _TABLE.c.code, _TABLE.c.name)
            for key, level, code, name in self.connection.execute(
                query.where(_TABLE.c.code.in_(codes))
            ).all():
                change = taken.get((level, code))
                if change is not None and change.region_id != key:
                    text = _("的代码 %(code)s 已由“%(name)s”使用。", code=code, name=name)
                    self._refuse(change, text)

    # ---- the four kinds ---------------------------------------------------------------------

    def _add(self) -> None:
        by_level: dict[Level, dict[int, list[Any]]] = defaultdict(lambda: defaultdict(list))
        for change in self._of(ChangeKind.ADD):
            by_level[change.level][change.parent_id].append(change)
        for level in sorted(by_level):
            rows = []
            for parent_id, comers in by_level[level].items():
                owner = self._parent(comers, parent_id, level)
                if owner is None:
                    continue
                paths = region_moves.new_paths(self.connection, owner, level, len(comers))
                for change, path in zip(sorted(comers, key=_order), paths, strict=True):
                    rows.append(_row(change, owner, path))
                    self.chronicle.note(change, None, path)
            for part in parts_of(rows):
                self.connection.execute(insert(_TABLE), part)
                self._step(len(part))

    def _parent(self, comers: list[Any], parent_id: int, level: Level) -> Any:
        """The division that gives labels and path to those below ``parent_id``."""
        parent = self._region(parent_id)
        if parent is not None and parent.structural:
            parent = self._region(parent.parent_id)
        if parent is None or parent.level not in PARENTS[level]:
            for change in comers:
                self._refuse(change, _("的上级行政区划还没有生效，或已经撤销。"))
            return None
        return parent

    def _change(self) -> None:
        changes = [c for c in self._of(ChangeKind.CHANGE) if c.region_id in self.before]
        if not changes or self.obstacles:
            return
        for part in parts_of(changes):
            values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in _VALUES}
            values["initials"] = bindparam("new_initials")
            plain = update(_TABLE).where(_TABLE.c.id == bindparam("key")).values(values)
            self.connection.execute(plain, [_settings(change) for change in part])
            self._step(len(part))
        for change in sorted(changes, key=lambda c: (c.level, c.region_id)):
            old = self.before[change.region_id]
            if moves(change, old):
                parent = self._parent([change], change.parent_id, change.level)
                if parent is not None:
                    self._move(change.region_id, change.parent_id, parent)
            region = self._region(change.region_id)
            if change.name != old.name:
                self.renamed.add(region.path)
            self.chronicle.note(change, old, region.path)

    def _move(self, key: int, parent_id: int, parent: Any) -> None:
        """Under ``parent``, with everything below and in it."""
        node = self._region(key)
        above = self._parent_of(node)
        if above.id != parent.id:
            (path,) = region_moves.new_paths(self.connection, parent, node.level, 1)
            county = province = None
            if node.level > Level.COUNTY and parent.county_id != node.county_id:
                county = parent.county_id
                old, new = self._region(node.county_id), self._region(county)
                division_counts.leave_county(db.session(), node.path, old, new)
            elif node.level <= Level.COUNTY:
                division_counts.change_place(db.session(), node, above, parent)
            if node.level > Level.PROVINCE and parent.province_id != node.province_id:
                province = parent.province_id
            region_moves.follow_region(
                self.connection, node.path, path, county=county, province=province
            )
            region_moves.follow(self.connection, node.path, path, county=county, province=province)
            quotas.moved(db.session(), key, parent.id)
            if node.level > Level.COUNTY:
                self.counted |= {node.id} if node.level == Level.TOWN else {above.id, parent.id}
            self.renamed = {
                path + one[len(node.path) :] if one.startswith(node.path) else one
                for one in self.renamed
            } | {path}
        moved = update(_TABLE).where(_TABLE.c.id == key)
        self.connection.execute(moved.values(parent_id=parent_id))
        self._step(1)

    def _parent_of(self, node: Any) -> Any:
        """The division directly above that is shown."""
        parent = self._region(node.parent_id)
        return self._region(parent.parent_id) if parent.structural else parent

    def _merge(self) -> None:
        merges = [c for c in self._of(ChangeKind.MERGE) if c.region_id in self.before]
        for change in sorted(merges, key=lambda c: (-c.level, c.region_id)):
            node, target = self._region(change.region_id), self._region(change.into_id)
            if target is None or target.level != node.level:
                self._refuse(change, _("的合并目标已经不存在。"))
                continue
            if twice := self._names_in_both(node.id, target.id):
                self._refuse(change, _("和合并目标都有“%(name)s”，请先更名。", name=twice))
            if self.obstacles:
                continue
            children = select(_TABLE.c.id).where(_TABLE.c.parent_id == node.id)
            for child in self.connection.scalars(children.order_by(_TABLE.c.path)).all():
                self._move(child, target.id, target)
            if node.county_id != target.county_id:
                old, new = self._region(node.county_id), self._region(target.county_id)
                division_counts.leave_county(db.session(), node.path, old, new)
            division_counts.forget(db.session(), node.path)
            quotas.merged(db.session(), node.id, target.id, self._parent_of(target).id)
            region_moves.hand_over(self.connection, node, target)
            if node.level >= Level.COUNTY:
                village = node.level == Level.VILLAGE
                self.counted |= {node.parent_id, target.parent_id} if village else {target.id}
            for model, column in ((RegionChange, "parent_id"), (RegionHistory, "into_id")):
                table: Any = model.__table__
                theirs = update(table).where(table.c[column] == node.id)
                self.connection.execute(theirs.values({column: target.id}))
            self.connection.execute(delete(_TABLE).where(_TABLE.c.id == node.id))
            self.chronicle.note(change, self.before[node.id], target.path, target)
            self._step(1)

    def _names_in_both(self, one: int, other: int) -> str:
        """Names of children that stood apart when the merge was staged, and no longer do."""
        there = select(_TABLE.c.name).where(_TABLE.c.parent_id == other)
        same = select(_TABLE.c.name).where(_TABLE.c.parent_id == one, _TABLE.c.name.in_(there))
        return _("、").join(self.connection.scalars(same.order_by(_TABLE.c.sort).limit(5)))

    def _delete(self) -> None:
        going = [c for c in self._of(ChangeKind.DELETE) if c.region_id in self.before]
        for change in sorted(going, key=lambda c: (-c.level, c.region_id)):
            node = self._region(change.region_id)
            if node is None or self.obstacles:
                continue
            if held := division_holdings.below(node.path):
                self._refuse(change, _("下还有%(what)s。", what=division_holdings.told(held)))
                continue
            gone = self.connection.execute(
                select(_TABLE).where(in_subtree(_TABLE.c.path, node.path), ~_TABLE.c.structural)
            ).all()
            place = self._parent_of(node).path
            for region in gone:  # its own code was set free already
                self.chronicle.note(
                    change, self.before[node.id] if region.id == node.id else region, place
                )
            keys = [region.id for region in gone]
            table: Any = RegionHistory.__table__
            lost = update(table).where(table.c.into_id.in_(keys))
            self.connection.execute(lost.values(into_id=None))
            division_counts.forget(db.session(), node.path)
            self.connection.execute(
                delete(_TABLE).where(in_subtree(_TABLE.c.path, node.path), ~_TABLE.c.structural)
            )
            self._step(1)

    # ---- after ------------------------------------------------------------------------------

    def _full_names(self) -> None:
        """Of everything below what was renamed or moved, from its parents' names."""
        done: list[str] = []
        for path in sorted(self.renamed):
            if any(path.startswith(one) for one in done):
                continue
            done.append(path)
            top = self.connection.execute(
                select(_TABLE).where(_TABLE.c.path == path, ~_TABLE.c.structural)
            ).one()
            known = {top.parent_id: self._region(top.parent_id)}
            query = select(_TABLE).where(in_subtree(_TABLE.c.path, path))
            changed = []
            for row in self.connection.execute(query.order_by(_TABLE.c.level)).all():
                above = known[row.parent_id]
                name = above.full_name if row.structural else joined_name(above, row.name)
                known[row.id] = _Named(row.level, row.name, name[:LONGEST_FULL_NAME])
                if known[row.id].full_name != row.full_name:
                    changed.append({"key": row.id, "now": known[row.id].full_name})
            write = update(_TABLE).where(_TABLE.c.id == bindparam("key"))
            for part in parts_of(changed):
                self.connection.execute(write.values(full_name=bindparam("now")), part)

    def _tell_crowds(self) -> None:
        """The county hears where a merge left more accounts than there may be."""
        merged = {change.into_id for change in self._of(ChangeKind.MERGE)}
        query = select(Region).where(Region.id.in_(merged))
        query = query.execution_options(populate_existing=True)
        targets = list(db.session.scalars(query))
        found = crowds(dict.fromkeys(targets, ()))
        for target in targets:
            for crowd in found.get(target.id, ()):
                notices.tell(
                    db.session(), target.county_id, NoticeKind.CROWDED,
                    f"/accounts/?region={target.id}&kind={crowd.kind.value}",
                    place=target.full_name, what=crowd.kind.zh,
                    used=str(crowd.used), most=str(crowd.most),
                )  # fmt: skip

    def _forget_pending(self) -> None:
        table: Any = RegionChange.__table__
        for part in parts_of([change.region_id for change in self.changes]):
            self.connection.execute(delete(table).where(table.c.region_id.in_(part)))
        # What waits below a new division lies in that one from now on.
        fresh = [c.region_id for c in self._of(ChangeKind.ADD) if c.level < Level.VILLAGE]
        for region in self._regions(fresh).values():
            below = [region.id]
            while below:
                waiting = table.c.parent_id.in_(below) & (table.c.kind == ChangeKind.ADD)
                self.connection.execute(update(table).where(waiting).values(path=region.path))
                below = list(self.connection.scalars(select(table.c.region_id).where(waiting)))

    # ---- reading ----------------------------------------------------------------------------

    def _region(self, key: int | None) -> Any:
        return self.connection.execute(select(_TABLE).where(_TABLE.c.id == key)).one_or_none()

    def _regions(self, keys: Iterable[int | None]) -> dict[int, Any]:
        return regions_of(self.connection, keys)

    def _refuse(self, change: Any, why: str) -> None:
        self.obstacles.append(Obstacle(change.region_id, change.name, why))

    def _step(self, steps: int) -> None:
        self.done += steps
        self.progress(min(self.done, len(self.changes)), len(self.changes))


@dataclass(frozen=True)
class _Named:
    """A division as its children's full names need it."""

    level: Level
    name: str
    full_name: str


def _order(change: Any) -> tuple[int, str]:
    return change.sort, change.code


def _settings(change: Any) -> dict[str, Any]:
    """The values of one line of an UPDATE of many."""
    values = {f"new_{name}": getattr(change, name) for name in _VALUES}
    return values | {"key": change.region_id, "new_initials": initials(change.name)[:60]}


def _row(change: Any, parent: Any, path: str) -> dict[str, Any]:
    """A new division's line in the tree; ``parent`` is the division above that is shown."""
    key, level = change.region_id, change.level
    return {
        "id": key, "level": level, "path": path, "structural": False,
        **{name: getattr(change, name) for name in VALUES},
        "full_name": joined_name(parent, change.name)[:LONGEST_FULL_NAME],
        "initials": initials(change.name)[:60],
        "county_id": key if level == Level.COUNTY else parent.county_id,
        "province_id": key if level == Level.PROVINCE else parent.province_id,
    }  # fmt: skip
