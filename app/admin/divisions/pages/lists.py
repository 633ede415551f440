"""The lists of 行政区划管理: the tree, what was found, what is pending."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import func, or_, select
from werkzeug.datastructures import MultiDict

from app.access.actor import Actor
from app.access.divisions import regions
from app.access.divisions import search as region_search
from app.access.divisions.former import ChangeKind, RegionChange
from app.access.divisions.regions import Level, Region, in_subtree
from app.admin.divisions import holdings as division_holdings
from app.admin.divisions import reading as divisions
from app.admin.divisions.pages.words import (
    URL,
    crowds_of,
    difference,
    names_of,
    published_above,
    tag,
)
from app.admin.divisions.publication import moves
from app.admin.divisions.reading import Staged
from app.core.clock import to_minute
from app.core.db import db
from app.core.i18n import _
from app.kernel.figures import holdings
from app.kernel.quotas import following as quotas
from app.web.frame.listing import (
    Action,
    Cell,
    Chip,
    Column,
    Empty,
    Filter,
    Listing,
    Paging,
    Row,
    cells,
)

PAGE_SIZE = 50
_MOST_CHILDREN = 1000
_MOST_TOLD = 5


def children(actor: Actor, node: Staged) -> Listing:
    """The divisions directly below one, those to come among them."""
    rows: list[Staged] = []
    counts: dict[int, int] = {}
    region = node.region
    if region is not None:
        now = regions.children(region)
        counts = holdings.of_children(region, now)
        pending = pending_of([one.id for one in now])
        rows = [Staged(one, pending.get(one.id)) for one in now]
    known = {one.id for one in rows}
    rows += [one for one in divisions.children(node.id) if one.id not in known]
    rows.sort(key=lambda one: (one.level, one.values["sort"], one.values["code"]))
    level = next(iter(divisions.levels_below(node.level)), None)
    actions = _area_actions(actor, region or published_above(node))
    if level is not None:
        actions.insert(0, Action(_("新增"), f"{URL}new?parent={node.id}", icon="plus"))
    columns = _columns(counts)
    return Listing(
        name="divisions",
        title=_("行政区划管理"),
        count_text=_("%(n)s 个", n=f"{len(rows):,}"),
        intro=_("%(name)s的下级行政区划", name=region.full_label if region else node.name),
        filters=[_asked_for("")],
        reset_url=URL,
        columns=columns,
        rows=[_row(columns, one, actor) for one in rows[:_MOST_CHILDREN]],
        actions=actions,
        exports=_exports(region),
        empty=Empty(
            _("“%(name)s”下还没有行政区划", name=node.name),
            _("点“新增”添加，或用“导入”从Excel批量添加。") if level else "",
        ),
    )


def found(actor: Actor, query: str) -> Listing:
    """Divisions of the account's area by name, code, initials, or what they were called before."""
    entries = region_search.search(query, actor.path)
    rows = {
        one.id: one
        for one in db.session.scalars(select(Region).where(Region.id.in_([e.id for e in entries])))
    }
    pending = pending_of(list(rows))
    nodes = [Staged(rows[e.id], pending.get(e.id)) for e in entries if e.id in rows]
    new = select(RegionChange).where(
        RegionChange.kind == ChangeKind.ADD,
        in_subtree(RegionChange.path, actor.path),
        or_(
            RegionChange.name.contains(query, autoescape=True),
            RegionChange.code.startswith(query, autoescape=True),
        ),
    )
    nodes += [Staged(None, one) for one in db.session.scalars(new.limit(region_search.LIMIT))]
    counts = holdings.of_each([one.region for one in nodes if one.region is not None])
    columns = _columns(counts, {e.id: e.former for e in entries if e.former})
    return Listing(
        name="divisions",
        title=_("查找“%(query)s”", query=query),
        count_text=_("%(n)s 个", n=len(nodes)),
        intro=_("按名称、代码、拼音首字母查找，也可用原来的名称和代码。"),
        filters=[_asked_for(query)],
        chips=[Chip(query, URL)],
        reset_url=URL,
        columns=columns,
        rows=[_row(columns, one, actor) for one in nodes],
        empty=Empty(
            _("没有找到行政区划"),
            _("请换个写法；只查找您管辖范围内的行政区划。"),
        ),
    )


def _asked_for(query: str) -> Filter:
    return Filter("q", _("名称、代码或拼音首字母"), value=query)


def _columns(
    counts: Mapping[int, int], former: Mapping[int, str] | None = None
) -> list[Column[Staged]]:
    """``counts`` of households; ``former``: names under which divisions were found."""

    def name(one: Staged) -> Cell:
        was = former.get(one.id) if former else None
        sub = _("原名：%(name)s", name=was) if was else None
        if one.region is not None and one.region.name != one.values["name"]:
            sub = _("现名：%(name)s", name=one.region.name)
        return Cell(one.values["name"], sub=sub)

    def households(one: Staged) -> str:
        n = counts.get(one.id)
        return f"{n:,}" if n else ""

    return [
        Column("name", _("名称"), name),
        Column("code", _("代码"), lambda one: one.values["code"], "id"),
        Column(
            "national_code", _("国家编码"), lambda one: one.values["national_code"], "id", off=True
        ),
        Column("level", _("级别"), lambda one: one.level.label),
        Column("full_name", _("全称"), lambda one: one.region.full_name if one.region else ""),
        Column("department", _("管理部门类别"), lambda one: one.values["department"], off=True),
        Column("sort", _("排序"), lambda one: str(one.values["sort"]), "number"),
        Column("households", _("农户数据"), households, "number"),
        Column(
            "pending", _("待生效"), lambda one: Cell(**tag(one.change)) if one.change else "", "tag"
        ),
    ]


def _row(columns: Sequence[Column[Staged]], one: Staged, actor: Actor) -> Row:
    url = f"{URL}{one.id}"
    actions = []
    if one.level < Level.VILLAGE:
        actions.append(Action(_("下级"), f"{URL}?region={one.id}", primary=True))
        if not one.leaves:
            actions.append(Action(_("添加子级"), f"{URL}new?parent={one.id}"))
    own = one.region is not None and one.region.path == actor.path
    actions.append(Action(_("查看") if own else _("维护"), url))
    return Row(str(one.id), url, cells(columns, one), actions)


def _area_actions(actor: Actor, area: Region) -> list[Action]:
    n = divisions.pending_count(area.path)
    label = _("待生效变更（%(n)s）", n=f"{n:,}") if n else _("待生效变更")
    return [
        Action(_("导入"), f"{URL}import/", icon="upload"),
        Action(label, f"{URL}changes?region={area.id}", primary=bool(n)),
    ]


def _exports(area: Region | None) -> list[Action]:
    if area is None:
        return []
    later = area.level < Level.CITY
    page = f"{URL}export/start" if later else f"{URL}export"
    return [
        Action(label, f"{page}?region={area.id}&format={form}", post=later)
        for label, form in (("Excel", "xlsx"), ("CSV", "csv"))
    ]


def pending_of(keys: Sequence[int]) -> dict[int, RegionChange]:
    query = select(RegionChange).where(RegionChange.region_id.in_(keys))
    return {one.region_id: one for one in db.session.scalars(query)}


def pending(area: Region, page: int, obstacles: Sequence[Any]) -> Listing:
    """What 立即生效 of an area will do, change by change."""
    here = divisions.inside(area)
    order = (RegionChange.level, RegionChange.path, RegionChange.sort, RegionChange.region_id)
    query = select(RegionChange).where(here).order_by(*order)
    changes = list(db.session.scalars(query.offset((page - 1) * PAGE_SIZE).limit(PAGE_SIZE)))
    total = db.session.scalar(select(func.count()).select_from(RegionChange).where(here)) or 0
    everything = divisions.pending_count(area.path)
    last = (total + PAGE_SIZE - 1) // PAGE_SIZE
    columns = _change_columns(changes, obstacles)
    return Listing(
        name="division_changes",
        title=_("待生效变更"),
        count_text=_("%(n)s 项", n=f"{total:,}"),
        intro=_("%(name)s：生效前，填报、权限和统计都按原来的行政区划。", name=area.full_name),
        notices=[*_obstacle_notices(changes, obstacles), *_others_notice(everything - total)],
        columns=columns,
        rows=[_change_row(columns, one) for one in changes],
        actions=_pending_actions(area, total) if total else [],
        paging=Paging.by_number(
            MultiDict({"region": str(area.id)}), f"{URL}changes", page, more=page < last,
            position_text=_("第 %(n)s 页，共 %(all)s 页", n=page, all=last),
        ) if last > 1 else None,
        empty=Empty(
            _("没有待生效的变更"),
            _("在列表中新增、修改、移动、合并或删除行政区划后，会列在这里。"),
        ),
    )  # fmt: skip


def _pending_actions(area: Region, total: int) -> list[Action]:
    question = _("%(n)s 项变更将立即用于填报、权限和统计，不能撤回。确定生效吗？", n=f"{total:,}")
    sure = _("确定撤销这里的全部待生效变更吗？")
    publish, cancel = f"{URL}publish?region={area.id}", f"{URL}cancel?region={area.id}"
    return [
        Action(_("立即生效"), publish, post=True, primary=True, confirm=question, icon="check"),
        Action(_("全部撤销"), cancel, post=True, danger=True, confirm=sure),
    ]


def _obstacle_notices(
    changes: Sequence[RegionChange], obstacles: Sequence[Any]
) -> list[dict[str, str]]:
    if not obstacles:
        return []
    shown = {change.region_id for change in changes}
    elsewhere = [
        one for one in obstacles if one.region_id not in shown
    ]  # on other pages of the list
    return [
        {"tone": "bad", "text": _("没有生效，请先处理标出的变更。")},
        *({"tone": "bad", "text": f"{o.name}{o.message}"} for o in elsewhere[:_MOST_TOLD]),
    ]


def _others_notice(n: int) -> list[dict[str, str]]:
    """That towns and villages have ``n`` changes which are not made effective here."""
    text = _(
        "另有%(n)s项乡镇、村的变更，由各市县在本地区内生效；可先选择该市县再生效。", n=f"{n:,}"
    )
    return [{"tone": "info", "text": text}] if n > 0 else []


def _change_columns(
    changes: Sequence[RegionChange], obstacles: Sequence[Any]
) -> list[Column[RegionChange]]:
    """What the changes of a page do; ``obstacles``: what stands against some."""
    names, crowds = names_of(changes), crowds_of(changes)
    query = select(Region).where(Region.id.in_([change.region_id for change in changes]))
    now = {region.id: region for region in db.session.scalars(query)}
    homes = holdings.of_each(list(now.values()))
    beside = division_holdings.beside_households(list(now.values()))
    given = _given(changes, now)
    wrong = {one.region_id: one.message for one in obstacles}
    said = {c.region_id: difference(c, now.get(c.region_id), names) for c in changes}

    def what(change: RegionChange) -> Cell:
        region = now.get(change.region_id)
        own = names.get(change.parent_id, "") + change.name
        return Cell(region.full_name if region else own, sub=change.code)

    def affects(change: RegionChange) -> Cell:
        touched = {_("农户"): homes.get(change.region_id, 0)} | beside.get(change.region_id, {})
        text = division_holdings.told({label: n for label, n in touched.items() if n})
        told = (crowds.get(change.into_id or 0), _quotas(change, now, given))
        return Cell(text, sub=_("；").join(one for one in told if one) or None)

    return [
        Column("what", _("行政区划"), what),
        Column("kind", _("变更"), lambda c: Cell(**tag(c), sub=wrong.get(c.region_id)), "tag"),
        Column("before", _("现在"), lambda c: said[c.region_id][0]),
        Column("after", _("生效后"), lambda c: said[c.region_id][1]),
        Column("affects", _("涉及"), affects),
        Column(
            "who",
            _("提交人"),
            lambda c: Cell(c.made_by_name, sub=to_minute(c.made_at)),
        ),
    ]


def _given(
    changes: Sequence[RegionChange], now: Mapping[int, Region]
) -> dict[int, dict[quotas.Of, int]]:
    """What divisions were given that merge or move, and those that they merge into."""
    keys = [c.into_id for c in changes if c.into_id is not None]
    keys += [c.region_id for c in changes if c.into_id is not None or _moved(c, now)]
    return quotas.told(keys) if keys else {}


def _moved(change: RegionChange, now: Mapping[int, Region]) -> bool:
    region = now.get(change.region_id)
    return region is not None and change.kind == ChangeKind.CHANGE and moves(change, region)


def _quotas(
    change: RegionChange, now: Mapping[int, Region], given: Mapping[int, dict[quotas.Of, int]]
) -> str:
    """What a merge adds up of what the divisions were given to do, and what goes along to another parent."""
    own = given.get(change.region_id, {})
    if change.kind == ChangeKind.MERGE:
        return quotas.merging_text(own, given.get(change.into_id or 0, {}))
    return quotas.moving_text(own) if _moved(change, now) else ""


def _change_row(columns: Sequence[Column[RegionChange]], change: RegionChange) -> Row:
    url = f"{URL}{change.region_id}"
    return Row(str(change.region_id), url, cells(columns, change), [Action(_("查看"), url)])
