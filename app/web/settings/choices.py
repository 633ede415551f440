"""``/settings/choices``: lists of choices, whose texts and items the ministry keeps (spec 00)."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, request
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import permission_name

from app.access.actor import SYSTEM, Capability
from app.core.clock import to_minute, today
from app.core.errors import Conflict, Invalid, NotFound
from app.core.i18n import _
from app.core.transactions import transaction
from app.kernel.declare import choice_lists
from app.kernel.declare.choice_lists import Choice
from app.kernel.households import audit_words
from app.kernel.settings import choices
from app.kernel.settings.choices import Named
from app.web.frame import shell
from app.web.frame.listing import Action, Cell, Column, Empty, Listing, Row, cells

_INPUTS = ("code", "text", "english", "since", "sort", "valid_from", "valid_to", "seen")


class ChoiceView(BaseView):
    """All lists, the items of one, one item."""

    route_base = "/settings/choices"
    class_permission_name = SYSTEM
    default_view = "index"

    @expose("/")
    @permission_name(Capability.SETTINGS)
    def index(self) -> Any:
        choices.require_ministry()
        found = choices.all_lists()
        shell.at("/settings/")
        shell.crumb(_("选项表"))
        columns = _list_columns()
        rows = []
        for one in found:
            url = f"/settings/choices/{one.name}/"
            actions = [Action(_("打开"), url)]
            rows.append(Row(one.name, url, cells(columns, one), actions))
        listing = Listing(
            name="choices",
            title=_("选项表"),
            count_text=_("%(n)s 项", n=len(found)),
            intro=_("修改文字只影响以后的填报，以前填报的内容仍显示当时的文字。"),
            columns=columns,
            rows=rows,
            empty=Empty(_("没有选项表")),
        )
        return self.render_template("lists/list.html", ledger=listing)

    @expose("/<string:name>/")
    @permission_name(Capability.SETTINGS)
    def items(self, name: str) -> Any:
        choices.require_ministry()
        one = choices.named(name)
        _crumbs(one)
        base = f"/settings/choices/{one.name}"
        known, columns = list(choice_lists.known(one.source).values()), _item_columns()
        rows = []
        for choice in known:
            url = f"{base}/{choice.code}"
            actions = [Action(_("修改"), url, primary=True)]
            rows.append(Row(choice.code, url, cells(columns, choice), actions))
        listing = Listing(
            name="choice-items",
            title=one.title,
            count_text=_("%(n)s 项", n=len(known)),
            intro=_("用在：%(fields)s", fields=_("；").join(one.fields)),
            notices=[{"tone": "info", "text": _only_texts()}] if one.fixed else [],
            columns=columns,
            rows=rows,
            actions=[] if one.fixed else [Action(_("新增选项"), f"{base}/new", primary=True)],
            empty=Empty(_("没有选项")),
        )
        return self.render_template("lists/list.html", ledger=listing)

    @expose("/<string:name>/new", methods=["GET", "POST"])
    @permission_name(Capability.SETTINGS)
    def new(self, name: str) -> Any:
        choices.require_ministry()
        one = choices.named(name)
        typed = {"sort": str(choices.suggested_sort(one))}
        errors: dict[str, list[str]] = {}
        if request.method == "POST":
            typed = _typed()
            try:
                with transaction():
                    choices.add(one, typed)
            except Invalid as error:
                errors = _by_field(error)
            except Conflict as error:
                errors = {"code": [error.message]}
            else:
                flash(_("“%(what)s”已保存，立即生效。", what=typed["text"]), "success")
                return redirect(f"/settings/choices/{one.name}/")
        _crumbs(one)
        shell.crumb(_("新增选项"))
        page = _page(one, None, typed, errors)
        return self.render_template("settings/choice.html", page=page), 422 if errors else 200

    @expose("/<string:name>/<string:code>", methods=["GET", "POST"])
    @permission_name(Capability.SETTINGS)
    def edit(self, name: str, code: str) -> Any:
        choices.require_ministry()
        one = choices.named(name)
        choice = choice_lists.known(one.source).get(code)
        if choice is None:
            raise NotFound(_("没有这个选项。"))
        typed, errors, status = _stored(choice), {}, 200
        if request.method == "POST":
            typed = _typed()
            try:
                with transaction():
                    choices.change(one, code, typed)
            except Invalid as error:
                errors, status = _by_field(error), error.status
            except Conflict as error:
                errors, status = {"text": [error.message]}, error.status
                choice = choice_lists.known(one.source)[code]
            else:
                flash(_("“%(what)s”已保存，立即生效。", what=typed["text"]), "success")
                return redirect(f"/settings/choices/{one.name}/")
        _crumbs(one)
        shell.crumb(choice.wording().text)
        page = _page(one, choice, typed, errors)
        return self.render_template("settings/choice.html", page=page), status


def _crumbs(one: Named) -> None:
    shell.at("/settings/")
    shell.crumb(_("选项表"), "/settings/choices/")
    shell.crumb(one.title, f"/settings/choices/{one.name}/")


def _typed() -> dict[str, str]:
    return {name: request.form.get(name, "") for name in _INPUTS}


def _by_field(error: Invalid) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for problem in error.problems:
        found.setdefault(problem.field, []).append(problem.message)
    return found


def _only_texts() -> str:
    return _("规则或统计用到这些选项，只能修改文字，不能增减。")


def _short(one: Named) -> str:
    texts = list(choice_lists.options(one.source).values())
    shown = _("、").join(texts[:5])
    return _("%(some)s 等", some=shown) if len(texts) > 5 else shown


def _list_columns() -> list[Column[Named]]:
    return [
        Column("title", _("选项表"), lambda one: one.title),
        Column("kind", _("类别"), _kind, "tag"),
        Column("options", _("选项"), _short),
        Column("count", _("项数"), lambda one: str(len(choice_lists.known(one.source))), "number"),
        Column("fields", _("用在"), lambda one: _("；").join(one.fields[:3])),
    ]


def _kind(one: Named) -> Cell:
    return Cell(_("只改文字")) if one.fixed else Cell(_("可增减"), tone="info")


def _item_columns() -> list[Column[Choice]]:
    return [
        Column("code", _("代码"), lambda choice: choice.code),
        Column("text", _("文字"), lambda choice: choice.wording().text),
        Column("english", _("英文"), lambda choice: choice.wording().english),
        Column("sort", _("顺序"), lambda choice: str(choice.sort), "number"),
        Column("valid", _("启用与停用"), _days),
        Column("state", _("状态"), _state, "tag"),
    ]


def _days(choice: Choice) -> str:
    if not (choice.valid_from or choice.valid_to):
        return ""
    return _("%(start)s 至 %(end)s", start=choice.valid_from or "…", end=choice.valid_to or "…")


def _state(choice: Choice) -> Cell:
    if choice.offered(today()):
        return Cell(_("在用"), tone="good")
    return Cell(_("未启用或已停用"))


def _stored(choice: Choice) -> dict[str, str]:
    wording = choice.wording()
    return {
        "text": wording.text,
        "english": wording.english or "",
        "since": "",
        "sort": str(choice.sort),
        "valid_from": str(choice.valid_from or ""),
        "valid_to": str(choice.valid_to or ""),
        "seen": wording.text,
    }


def _page(
    one: Named, choice: Choice | None, typed: dict[str, str], errors: dict[str, list[str]]
) -> dict[str, Any]:
    base = f"/settings/choices/{one.name}"
    changes = choices.changes_of(one, choice.code) if choice else []
    return {
        "title": choice.wording().text if choice else _("新增选项"),
        "intro": _only_texts()
        if one.fixed
        else _("用在：%(fields)s", fields=_("；").join(one.fields)),
        "fixed": one.fixed,
        "code": choice.code if choice else None,
        "seen": choice.wording().text if choice else "",
        "typed": typed,
        "errors": errors,
        "action_url": f"{base}/{choice.code}" if choice else f"{base}/new",
        "back_url": f"{base}/",
        "texts": [
            {
                "text": wording.text,
                "english": wording.english or "",
                "since": to_minute(wording.since) if wording.since else _("最初"),
            }
            for wording in reversed(choice.wordings)
        ]
        if choice
        else [],
        "changes": [
            {
                "time": to_minute(entry.at),
                "who": entry.account_name or "",
                "what": audit_words.full(entry),
            }
            for entry in changes
        ],
    }
