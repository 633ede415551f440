"""The frame of every page: menu with what waits, breadcrumb, languages, theme, the account.

Templates read it as ``shell`` (see templates/frame/base.html). Everything is worked out when a
template asks for it, so that a part of a page costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, current_app, g, redirect, request, session, url_for
from flask_appbuilder import BaseView, expose
from flask_babel import get_locale, refresh
from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup
from sqlalchemy.exc import SQLAlchemyError

from app.access.actor import SYSTEM, Actor, Capability
from app.access.divisions.regions import Level, Region
from app.access.scope import current_actor
from app.core.clock import now, to_minute
from app.core.db import db
from app.core.errors import NotFound
from app.core.i18n import _, translate
from app.core.lazy import lazy
from app.core.transactions import give_up
from app.kernel import hooks
from app.kernel.declare.register import Register, all_registers
from app.kernel.figures import waiting
from app.kernel.figures.waiting import Badges
from app.kernel.rows.household import Household
from app.web.frame import fab_menu, neighbours
from app.web.frame.words import WORDS

_KEPT_PARTS = 4000
_KEPT_LISTS, _LONGEST_QUERY = 4, 400  # in the session's cookie
_THEMES = ("light", "dark")
_words: dict[str, Markup] = {}


@dataclass(frozen=True)
class Item:
    """One entry of the menu. ``badge`` is what waits there, as text."""

    title: str
    url: str
    badge: str = ""
    active: bool = False


@dataclass(frozen=True)
class Group:
    """A module with its entries; a ``single`` one is shown as one line."""

    title: str
    icon: str
    items: tuple[Item, ...]
    single: bool = False


def crumb(title: str, url: str | None = None) -> None:
    """Add a step behind the menu's own steps of the breadcrumb."""
    g.setdefault("crumbs", []).append({"title": title, "url": url})


def at(url: str) -> None:
    """Say which menu entry this page belongs to, where its own address does not."""
    g.menu_at = url


def keep_list() -> None:
    """Remember the filters and the place of the list that is shown, for the way back to it."""
    query = request.query_string.decode()
    kept: dict[str, str] = session.get("lists", {})
    if kept.get(request.path, "") != query and len(query) <= _LONGEST_QUERY:
        others = [(path, q) for path, q in kept.items() if path != request.path]
        session["lists"] = dict([*others, (request.path, query)][-_KEPT_LISTS:])


def list_url(path: str) -> str:
    """The list as it was last shown in this session."""
    query = session.get("lists", {}).get(path)
    return f"{path}?{query}" if query else path


@dataclass(frozen=True)
class Me:
    """The account as the frame names it."""

    name: str
    login: str
    level_label: str
    region_name: str
    region_short: str


class Shell:
    """The frame for the request that is being answered."""

    @lazy
    def actor(self) -> Me | None:
        actor = current_actor()
        if actor is None:
            return None
        region = _region_of(actor)
        return Me(
            name=actor.name,
            login=actor.login,
            level_label=actor.level.label,
            region_name=region.full_label if region else "",
            region_short=region.label if region else "",
        )

    @lazy
    def menu(self) -> tuple[Group, ...]:
        actor = current_actor()
        if actor is None:
            return ()
        groups = [group for group in _groups(actor) if group.items]
        here = _best_match(groups, g.get("menu_at") or request.path)
        return tuple(
            replace(group, items=tuple(_marked(item, here) for item in group.items))
            for group in groups
        )

    @lazy
    def breadcrumb(self) -> list[dict[str, Any]]:
        steps: list[dict[str, Any]] = []
        for group in self.menu:
            for item in group.items:
                if item.active:
                    steps += [] if group.single else [{"title": group.title, "url": None}]
                    steps.append({"title": item.title, "url": list_url(item.url)})
        return steps + g.get("crumbs", [])

    @property
    def lang(self) -> str:
        return "en" if str(get_locale()) == "en" else "zh-CN"

    @property
    def theme(self) -> str:
        wanted = request.cookies.get("theme", "")
        return wanted if wanted in _THEMES else _THEMES[0]

    @property
    def langs(self) -> list[dict[str, Any]]:
        chosen = str(get_locale())
        return [
            {
                "code": "zh-CN" if code == "zh" else code,
                "name": language["name"],
                "url": url_for("LanguageView.choose", code=code),
                "active": code == chosen,
            }
            for code, language in current_app.config["LANGUAGES"].items()
        ]

    @property
    def words(self) -> Markup:
        """The scripts' sentences as JSON, made once for each language."""
        locale = str(get_locale())
        if locale not in _words:
            _words[locale] = htmlsafe_json_dumps({k: str(v) for k, v in WORDS.items()})
        return _words[locale]

    @property
    def query(self) -> str:
        return request.args.get("q", "")[:50] if request.path == "/search" else ""

    @property
    def read_at(self) -> str:
        """The minute in which the page was made, for who reads it printed."""
        return to_minute(now())

    @property
    def app_name(self) -> str:
        return _("安居")

    @property
    def app_subtitle(self) -> str:
        return _("农村住房安全信息系统")

    home_url = "/"
    search_url = "/search"
    help_url = "/help"
    account_url = "/account/"
    password_url = "/account/password"  # noqa: S105
    sign_in_url = "/login/"
    sign_out_url = "/logout/"
    jobs_url = "/exchange/jobs"
    region_search_url = "/regions/search"
    region_children_url = "/regions/children"
    version = ""


def _groups(actor: Actor) -> Iterator[Group]:
    waits = _waiting(actor)
    yield Group(_("我的桌面"), icon="home", items=(Item(_("我的桌面"), "/"),), single=True)
    for title, registers in _modules().items():
        items = tuple(item for r in registers for item in _register_items(actor, r, waits))
        icon = registers[0].heading.icon
        yield Group(translate(title), icon=icon, items=items, single=len(items) == 1)
    if actor.level <= Level.COUNTY:
        report = (Item(_("工作报告"), "/work_report/"),)
        yield Group(_("工作报告"), icon="file-text", items=report, single=True)
    yield from _generated()
    yield Group(_("系统管理"), icon="settings", items=tuple(_system_items(actor)))


def _generated() -> Iterator[Group]:
    """The categories of views that Flask-AppBuilder generates; what is in that of the system stands there."""
    for head, entries in fab_menu.entries():
        if head.name != SYSTEM:
            icon = fab_menu.icon(head.icon)
            yield Group(str(head.label), icon, tuple(_items(entries)), single=not head.childs)


def _items(entries: list[Any]) -> Iterator[Item]:
    return (Item(str(entry.label), entry.get_url()) for entry in entries)


def _modules() -> dict[str, list[Register]]:
    """The registers that have menu entries, by what heads these."""
    found: dict[str, list[Register]] = {}
    for register in all_registers():
        if register.menus:
            found.setdefault(register.heading.module or register.title, []).append(register)
    return found


def _register_items(actor: Actor, register: Register, waits: Badges) -> Iterator[Item]:
    yield from _menu_items(actor, register, waits)
    if register.quotas and actor.has(Capability.QUOTAS, register.name):
        yield Item(_("任务管理"), f"/quotas/{register.name}/")
    yield from _table_items(actor, register)
    if register.model is Household:
        yield Item(_("迁户申请"), "/transfers/")
    if register.owned and actor.has(Capability.ENTER, register.name):
        yield Item(_("转入申请"), "/handovers/")


def _menu_items(actor: Actor, register: Register, waits: Badges) -> Iterator[Item]:
    for menu in register.menus:
        key = register.name, menu.name
        if actor.has(menu.capability, register.name) and key not in waits.closed:
            count = waits.numbers.get(key, 0)
            badge = f"{count:,}" if count else ""
            yield Item(translate(menu.title), f"/{register.name}/{menu.name}", badge)


def _table_items(actor: Actor, register: Register) -> Iterator[Item]:
    if actor.has(Capability.SEARCH, register.name):
        for table in register.tables:
            yield Item(translate(table.title), f"/{register.name}/statistics/{table.name}")


def _system_items(actor: Actor) -> Iterator[Item]:
    if actor.has(Capability.IMPORT_LIST):
        yield from (Item(translate(one.menu), one.page) for one in hooks.imports() if one.menu)
    yield Item(_("导入导出记录"), "/exchange/jobs")
    if actor.has(Capability.MANAGE_USERS):
        yield Item(_("用户管理"), "/accounts")
    if actor.has(Capability.MAINTAIN_REGIONS):
        yield Item(_("行政区划管理"), "/divisions/")
    if actor.has(Capability.MANAGE_USERS):
        yield Item(_("录入人台账"), "/recorders")
        yield Item(_("负责人与责任人名单"), "/officers")
        yield Item(_("接口令牌"), "/tokens/")
    if actor.has(Capability.AUDIT):
        yield Item(_("审计日志"), "/audit/")
    if actor.has(Capability.SETTINGS):
        yield Item(_("参数设置"), "/settings/")
    for _head, entries in fab_menu.entries(SYSTEM):
        yield from _items(entries)


def _best_match(groups: list[Group], path: str) -> str | None:
    """The entry whose address this page's address is, or lies under."""
    urls = [item.url for group in groups for item in group.items]
    found = [u for u in urls if path == u or (u != "/" and path.startswith(u.rstrip("/") + "/"))]
    return max(found, key=len, default=None)


def _marked(item: Item, here: str | None) -> Item:
    return replace(item, active=True) if item.url == here else item


def _region_of(actor: Actor) -> Region | None:
    """The account's division; None: the database does not answer."""
    try:
        return db.session.get(Region, actor.region_id)
    except SQLAlchemyError:  # the page that says so must still have its frame
        give_up()
        return None


def _waiting(actor: Actor) -> Badges:
    """How many records wait for the account in each menu."""
    try:
        return waiting.badges(actor)
    except SQLAlchemyError:
        give_up()
        return Badges()


class LanguageView(BaseView):
    """The language of the session; goes back to where it was chosen."""

    route_base = "/language"
    default_view = "choose"

    @expose("/<string:code>", methods=["POST"])
    def choose(self, code: str) -> Any:
        if code not in current_app.config["LANGUAGES"]:
            raise NotFound(_("没有这种语言。"))
        session["locale"] = code
        refresh()
        return redirect(where_from("/"))


def where_from(default: str) -> str:
    """The page that a link or button stood on, if it is one of ours."""
    try:
        came = urlsplit(request.referrer or "")
    except ValueError:  # no browser wrote that
        return default
    if came.netloc != request.host or not came.path.startswith("/") or came.path.startswith("//"):
        return default
    return came.path + (f"?{came.query}" if came.query else "")


def page_text(text: str, **values: Any) -> Markup:
    """``_`` of the templates: the translation, into which values are put escaped."""
    translated = Markup(translate(text))  # noqa: S704 (our own texts; values are escaped below)
    return translated % values if values else translated


class Memo:
    """Rendered parts of pages that depend on nothing but their key: a form has some 80 fields, and
    most of them look the same for every household; the menu is the same on every page.
    """

    def __init__(self) -> None:
        self.parts: dict[Any, Markup] = {}

    def __call__(self, key: Any, macro: Callable[[Any], Markup], argument: Any) -> Markup:
        """``macro(argument)``, kept under ``key``; None is never kept."""
        return self._kept(key, lambda: macro(argument))

    def part(self, *key: Any, caller: Callable[[], Markup]) -> Markup:
        """``{% call memo.part(…) %}``: the block, kept under all that it shows; not under a None."""
        return self._kept(None if None in key else key, caller)

    def _kept(self, key: Any, render: Callable[[], Markup]) -> Markup:
        if key is None:
            return render()
        found = self.parts.get(key)
        if found is None:
            while len(self.parts) >= _KEPT_PARTS:
                self.parts.pop(next(iter(self.parts)), None)  # the oldest
            found = self.parts[key] = render()
        return found


def install(app: Flask) -> None:
    """Give every template its ``shell``, a fast ``_`` and the memo of parts."""
    app.context_processor(lambda: {"shell": Shell()})
    app.jinja_env.globals |= {"_": page_text, "memo": Memo()}
    app.jinja_env.globals["walk"] = neighbours.here
