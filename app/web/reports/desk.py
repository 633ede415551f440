"""我的桌面: what the desk of an account looks like, see app.kernel.reports.desk for what it says."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from flask_appbuilder import IndexView, expose

from app.access.actor import Actor, Capability
from app.access.scope import current_actor
from app.core.clock import to_minute
from app.core.errors import Forbidden
from app.core.i18n import _, lazy, translate
from app.kernel.declare.figures import of_year
from app.kernel.declare.flow import State
from app.kernel.declare.register import Register
from app.kernel.declare.tables import TREND
from app.kernel.figures.days import month_day
from app.kernel.figures.state import being_counted
from app.kernel.figures.waiting import Waiting
from app.kernel.reports import desk
from app.kernel.reports.desk import Desk, Module
from app.kernel.reports.shares import share
from app.web.reports import deadlines
from app.web.reports.links import ledger_url
from app.web.reports.tables import chart_urls, shown


class DeskView(IndexView):
    """我的桌面, FAB's index view."""

    @expose("/")
    def index(self) -> Any:
        actor = current_actor()
        if actor is None:
            raise Forbidden(_("请先登录。"))
        return self.render_template("reports/desk.html", desk=page(actor, desk.read(actor)))


@dataclass(frozen=True)
class _Door:
    """How records that wait in a state are called on the desk."""

    label: Any
    icon: str
    tone: str


#: In the order in which they are shown: what came back first.
_DOORS = {
    State.RETURNED: _Door(lazy("退回补正，待修改"), icon="arrow-back-up", tone="bad"),
    State.RECTIFY: _Door(lazy("退回整改，待修改"), icon="arrow-back-up", tone="bad"),
    State.CHECKING: _Door(lazy("待乡镇复核"), icon="clipboard-check", tone="warn"),
    State.SUBMITTED: _Door(lazy("待审核"), icon="clipboard-check", tone="warn"),
    State.DRAFT: _Door(lazy("已录入，待上报"), icon="send", tone="warn"),
    State.MISSING: _Door(lazy("未录入"), icon="edit", tone="info"),
}
_UNPLACED = _Door(lazy("行政区划缺失，待确定到村"), icon="map-pin-question", tone="warn")
_LOCKED = _Door(lazy("封闭账号，待核实解除"), icon="lock", tone="bad")
_NOTICES = _Door(lazy("通知"), icon="bell", tone="info")
_TRANSFERS = _Door(lazy("迁户申请，待审批"), icon="transfer", tone="warn")
_JOBS = _Door(lazy("导入导出记录"), icon="transfer", tone="info")


def page(actor: Actor, read: Desk) -> dict[str, Any]:
    """The context of ``reports/desk.html``."""
    last = read.last_login
    return {
        "greeting": _("%(name)s，您好", name=actor.name),
        "subtitle": read.region.full_label,
        "last_login": last and f"{to_minute(last.at)} {last.address}".strip(),
        "doors": _grouped(
            [
                *([_door(_LOCKED, read.locked, "", "/locked/")] if read.locked else []),
                *_record_doors(read),
                *_transfer_doors(read),
                *_unplaced_doors(actor, read),
                *_notice_doors(read),
                *_job_doors(read),
            ]
        ),
        "modules": [_module(module, read) for module in read.modules],
        "notices": [],
    }


def _grouped(doors: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Doors of one module beside each other; what belongs to none comes first."""
    groups: dict[str, list[dict[str, Any]]] = {"": []}
    for door in doors:
        groups.setdefault(door["group"], []).append(door)
    return [{"title": title, "doors": group} for title, group in groups.items() if group]


def _record_doors(read: Desk) -> list[dict[str, Any]]:
    order = list(_DOORS)
    waiting: list[Waiting] = sorted(read.waiting, key=lambda item: order.index(item.state))
    return [
        _door(
            _record_door(item),
            item.n,
            item.area.label if item.area else "",
            _menu_url(item),
            _door_group(item.register, read),
        )
        for item in waiting
    ]


def _record_door(item: Waiting) -> _Door:
    """What was never begun is called as the register calls it: 未录入, 未监测."""
    door = _DOORS[item.state]
    if item.state != State.MISSING:
        return door
    return replace(door, label=item.register.state_text(State.MISSING))


def _door_group(register: Register, read: Desk) -> str:
    """Which module it is about, where there are several."""
    return register.label if len(read.modules) > 1 else ""


def _menu_url(item: Waiting) -> str:
    """The menu entry as it opens when it shows this state anyway, else filtered by what is counted; of a right that is
    granted for some divisions in the one that the number is of.
    """
    asked: dict[str, Any] = {"region": item.area.id} if item.area else {}
    if item.figure:
        asked["figure"] = item.figure
    elif item.menu.states != (item.state,):
        asked["state"] = item.state.value
    url = f"/{item.register.name}/{item.menu.name}"
    return f"{url}?{urlencode(asked)}" if asked else url


def _unplaced_doors(actor: Actor, read: Desk) -> list[dict[str, Any]]:
    """Households without a town or village, for those who may assign one (spec 02)."""
    doors = []
    for module in read.modules:
        register, progress = module.register, module.register.progress_table
        entry = next((m for m in register.menus if m.capability == Capability.ENTER), None)
        row = module.unplaced
        whole = (progress.progress or ("", ""))[1] if progress else ""
        n = row.counts.get(whole, 0) if row else 0
        if row and n and entry and actor.has(Capability.ENTER, register.name):
            url = f"/{register.name}/{entry.name}?region={row.region.id}&unplaced=1"
            url += f"&figure={of_year(whole, module.year)}" if module.year else ""
            doors.append(_door(_UNPLACED, n, "", url, _door_group(register, read)))
    return doors


def _transfer_doors(read: Desk) -> list[dict[str, Any]]:
    """Requests to move that wait for the account's consent."""
    url = "/transfers/?show=mine"
    return [_door(_TRANSFERS, read.transfers, "", url)] if read.transfers else []


def _notice_doors(read: Desk) -> list[dict[str, Any]]:
    """What the divisions below told (app.access.accounts.notices)."""
    hint = _("名单、迁户等变动")
    return [_door(_NOTICES, read.notices, hint, "/notices/")] if read.notices else []


def _job_doors(read: Desk) -> list[dict[str, Any]]:
    jobs = read.jobs
    if not jobs.running and not jobs.ended:
        return []
    parts = [
        _("%(n)s 个进行中", n=jobs.running) if jobs.running else "",
        _("%(n)s 个已结束", n=jobs.ended) if jobs.ended else "",
        _("%(n)s 个失败", n=jobs.failed) if jobs.failed else "",
    ]
    hint = _("，").join(part for part in parts if part)
    return [_door(_JOBS, jobs.running + jobs.ended, hint, "/exchange/jobs/?lately=1")]


def _door(door: _Door, n: int, hint: str, url: str, group: str = "") -> dict[str, Any]:
    return {
        "group": group,
        "label": str(door.label),
        "number": f"{n:,}",
        "hint": hint,
        "url": url,
        "icon": door.icon,
        "tone": door.tone,
    }


def _module(module: Module, read: Desk) -> dict[str, Any]:
    register, report = module.register, module.report
    table = next((t for t in register.tables if t.on_desk), None)
    url = f"/{register.name}/statistics/{table.name}" if table else None
    progress = register.progress_table
    done, whole = module.progress or (0, 0)
    chart_url = f"/{register.name}/statistics/{progress.name}" if progress else ""
    return {
        "title": register.label,
        "year": _("%(year)s年", year=module.year) if module.year else "",
        "url": url,
        "deadline": deadlines.tag(register, read.region.path),
        "figures": _figures(module, read),
        "progress": {"value": done, "max": whole or 1, "text": share(done, whole)}
        if module.progress
        else None,
        "table": shown(report, url) if report and url else None,
        "chart": module.chart and module.chart | {"urls": chart_urls(module.chart, chart_url)},
        "trend": module.trend,
        "trend_url": f"/{register.name}/statistics/{TREND}",
    }


def _figures(module: Module, read: Desk) -> list[dict[str, Any]]:
    register, ledger = module.register, ledger_url(module.register)
    return [
        {
            "label": register.figures[big.figure].text,
            "number": f"{big.n:,}" if big.n is not None else being_counted(),
            "unit": translate(register.unit) if big.n is not None else "",
            "url": f"{ledger}?figure={of_year(big.figure, module.year)}&region={read.region.id}"
            if ledger and big.n
            else None,
            "trend": _trend(big.gain, register.figures[big.figure].tone, read),
        }
        for big in module.figures
    ]


def _trend(gain: int | None, tone: str, read: Desk) -> dict[str, str] | None:
    """The change since a week ago; only where more is better it is coloured."""
    if gain is None or read.since is None:
        return None
    day = month_day(read.since)
    if not gain:
        return {"text": _("与%(day)s相同", day=day), "direction": "flat"}
    text = (
        _("比%(day)s增加%(n)s", day=day, n=f"{gain:,}")
        if gain > 0
        else _("比%(day)s减少%(n)s", day=day, n=f"{-gain:,}")
    )
    better = ("up" if gain > 0 else "down") if tone == "good" else "flat"
    return {"text": text, "direction": better}
