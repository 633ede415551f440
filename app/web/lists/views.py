"""The lists of a register, and what belongs to a list: its columns, the filters that are kept under
a name, searches in the background, the way from one of its records to the next.
"""

from __future__ import annotations

import uuid
from typing import Any

from flask import flash, redirect, request
from flask_appbuilder import expose
from flask_login import current_user
from werkzeug.datastructures import MultiDict

from app.access import policy
from app.access.actor import Actor, Capability
from app.access.scope import showing_hidden
from app.core.db import db
from app.core.errors import Invalid, NotFound
from app.core.i18n import _, translate
from app.core.transactions import transaction
from app.kernel.declare.groups import Menu
from app.kernel.declare.register import Register
from app.kernel.lists import chosen_columns, combined, searches
from app.kernel.lists import columns as ledger_columns
from app.kernel.lists import saved as saved_filters
from app.kernel.lists.ledger import Ledger, TooWideNow
from app.kernel.lists.query import BESIDE, parse
from app.kernel.lists.saved_rows import LONGEST_NAME, SavedFilter
from app.web.exchange.jobs import job_details
from app.web.frame import neighbours as walk
from app.web.frame import shell
from app.web.frame.addresses import takes
from app.web.frame.clicks import once
from app.web.frame.listing import Action, chips
from app.web.frame.rights import of_menus, one_of
from app.web.lists import compose, cross_area
from app.web.lists import filters as ledger_filters
from app.web.lists import pages as ledger_pages
from app.web.register.review_parts import Reviewing
from app.web.register.shared import Routes, conditions


class ListRoutes(Routes):
    """The routes of a register's lists, and of the list of households."""

    @classmethod
    def of(cls, register: Register) -> frozenset[str]:
        beyond = any(menu.wide is not None for menu in register.menus)
        return super().of(register) - (set() if beyond else {"beyond"})

    @expose("/<string(maxlength=32):name>")  # no key of a record is so short
    @takes(conditions)
    @one_of(of_menus)
    def ledger(self, name: str) -> Any:
        menu, actor = self._list(name)
        flow = self.register.flow
        if flow and flow.review_by(menu.capability) and not request.args:
            reviewing = Reviewing(self.register, actor, request.args)
            first = reviewing.queue.first()
            if first is not None:
                return redirect(reviewing.url(first))
        if menu.wide is not None:
            context = cross_area.context(self.register, menu, actor, request.args)
            shell.keep_list()
            return self.render_template("lists/list.html", ledger=context)
        if found := request.args.get("found"):
            job = searches.own(self.register, found)
            if not searches.is_open(job):
                context = ledger_pages.searching(self.register, menu, job, job_details(job))
                return self.render_template("lists/list.html", ledger=context)
        context = ledger_pages.context(self.register, menu, actor, request.args)
        correcting = ledger_pages.correcting(self.register, menu, actor, request.args)
        context.actions = [*self._actions(menu, actor), *(correcting if context.rows else [])]
        shell.keep_list()
        return self.render_template("lists/list.html", ledger=context)

    def _actions(self, menu: Menu, actor: Actor) -> list[Action]:
        """What may be done beside the list."""
        return ledger_pages.actions(self.register, actor, menu)

    def _list(self, name: str) -> tuple[Menu, Actor]:
        menu = next((m for m in self.register.menus if m.name == name), None)
        if menu is None:
            raise NotFound(_("没有找到该页面。"))
        return menu, policy.require(Capability(menu.capability), self.register.name)

    def _back(self, menu: Menu) -> str:
        """The list with the conditions that this page was opened with."""
        asked = ledger_pages.asked_text(request.args)
        return f"/{self.register.name}/{menu.name}" + (f"?{asked}" if asked else "")

    @expose("/<string:name>/of/<uuid:record_id>")
    @takes(conditions)
    @one_of(of_menus)
    def beyond(self, name: str, record_id: uuid.UUID) -> Any:
        """A record of a list that reaches beyond the own area, masked."""
        menu, _actor = self._list(name)
        if menu.wide is None:
            raise NotFound(_("没有找到该页面。"))
        context = cross_area.record(self.register, menu, record_id)
        return self.render_template("register/record.html", record=context)

    @expose("/<string:name>/walk")
    @takes(conditions)
    @one_of(of_menus)
    def walk(self, name: str) -> Any:
        """The record before or after one in the list."""
        menu, actor = self._list(name)
        args = request.args.copy()
        wanted, _notices = ledger_pages.asked(self.register, menu, actor, args)
        with showing_hidden(when=menu.hidden):
            return redirect(walk.step(self.register, menu, args, wanted))

    @expose("/<string:name>/compose", methods=["GET", "POST"])
    @takes(conditions)
    @one_of(of_menus)
    def compose(self, name: str) -> Any:
        """综合查询: conditions on every field, which lead to the list."""
        menu, actor = self._list(name)
        if menu.wide is not None:
            raise NotFound(_("没有找到该页面。"))
        others = [pair for pair in self._asked() if pair[0] != combined.WHERE]
        wanted, _notices = ledger_pages.asked(self.register, menu, actor, MultiDict(others))
        parse(self.register, wanted, db.session, actor)  # what else cannot be read is said now
        action = "show"
        if request.method == "POST":
            action = request.form.get("action", "")
            lines = compose.changed(compose.posted(request.form), action)
        else:
            lines = compose.lines_of(request.args.getlist(combined.WHERE))
        groups = compose.read(self.register, lines, actor)
        wrong = any(line.error for line in lines)
        if action == "search" and not wrong:
            pairs = [*others, *compose.address(lines)]
            return redirect(ledger_pages.address(self.register, menu, pairs))
        if action != "search" and request.method == "POST":
            for line in lines:  # it is not finished yet
                line.error = ""
        page = compose.context(self.register, lines) | {
            "title": _("“%(list)s”的综合查询", list=translate(menu.title)),
            "sentence": combined.sentence(self.register, groups) if groups else "",
            "full": len(lines) >= combined.MOST_CONDITIONS,
            "action_url": request.full_path.rstrip("?"),
            "back_url": self._back(menu),
        }
        shell.at(f"/{self.register.name}/{menu.name}")
        shell.crumb(_(combined.LABEL))
        status = 422 if wrong and action == "search" else 200
        return self.render_template("lists/compose.html", page=page), status

    def _asked(self) -> list[tuple[str, str]]:
        """What the address of this page says of the list's conditions."""
        known = {"size", *conditions(self)}
        return [(k, v) for k, v in request.args.items(multi=True) if v and k in known]

    # ---- columns ------------------------------------------------------------------------------
    @expose("/<string:name>/columns", methods=["GET", "POST"])
    @takes(conditions)
    @one_of(of_menus)
    def columns(self, name: str) -> Any:
        """Which fields the list shows the account, and in which order."""
        menu, actor = self._list(name)
        wanted, _notices = ledger_pages.asked(self.register, menu, actor, request.args)
        parse(self.register, wanted, db.session, actor)  # what cannot be read is said now
        chosen = chosen_columns.kept(current_user, self.register, menu)
        errors: list[str] = []
        if request.method == "POST":
            default = request.form.get("action") == "default"
            posted = [text for text in request.form.getlist("column") if text]
            try:
                with transaction():
                    chosen_columns.keep(self.register, menu, None if default else posted)
            except Invalid as error:
                errors, chosen = [error.message], tuple(posted)
            else:
                flash(_("列表的列已恢复默认。") if default else _("列表的列已保存。"), "success")
                return redirect(self._back(menu))
        shell.at(f"/{self.register.name}/{menu.name}")
        shell.crumb(_("显示列"))
        page = self._columns_page(menu, chosen) | {"errors": errors}
        return self.render_template("lists/columns.html", page=page), 422 if errors else 200

    def _columns_page(self, menu: Menu, chosen: tuple[str, ...]) -> dict[str, Any]:
        fields = ledger_columns.offered(self.register)
        labels = {ledger_columns.REGION: _(ledger_columns.REGION_LABEL)}
        labels |= {name: translate(made.label) for name, made in fields.items()}
        of_form = {s.title: s.fields for s in self.register.sections}
        kept = [n for n in labels if n not in self.register.fields]
        groups = [(_("基本"), kept)]
        groups += [(translate(title), [*names]) for title, names in of_form.items()]
        first = self.register.lists.ledger.split()[0]
        return {
            "title": _("“%(list)s”显示的列", list=translate(menu.title)),
            "first": {"name": first, "label": labels[first]},
            "chosen": [
                {"name": n, "label": labels[n]} for n in chosen if n in labels and n != first
            ],
            "groups": [
                {
                    "title": title,
                    "fields": [
                        {"name": n, "label": labels[n], "on": n in chosen}
                        for n in names
                        if n != first
                    ],
                }
                for title, names in groups
            ],
            "most": ledger_columns.MOST,
            "action_url": request.full_path.rstrip("?"),
            "back_url": self._back(menu),
        }

    # ---- saved filters ------------------------------------------------------------------------
    @expose("/<string:name>/filters", methods=["GET", "POST"])
    @takes(conditions)
    @one_of(of_menus)
    def filters(self, name: str) -> Any:
        """常用筛选: those of this list, and the present conditions to be kept; to scripts its part."""
        menu, actor = self._list(name)
        if request.headers.get("HX-Request"):
            return self.render_template("frame/_saved.html", saved=self._saved(menu, actor))
        said, errors = {"name": "", "shared": False}, {}
        if request.method == "POST":
            said = {"name": request.form.get("name", ""), "shared": "shared" in request.form}
            asked = saved_filters.asked_of(self.register, request.args)
            try:
                with once() as click:
                    row = saved_filters.save(
                        self.register, menu, str(said["name"]), asked, shared=bool(said["shared"])
                    )
                    text = _("筛选“%(name)s”已保存。", name=row.name)
                    click.leads_to(self._back(menu), text)
            except Invalid as error:
                errors = {p.field: [p.message] for p in error.problems}
            else:
                return click.answer()
        return self._filters_page(menu, actor, said=said, errors=errors)

    @expose("/<string:name>/filters/<uuid:filter_id>", methods=["GET", "POST"])
    @takes(conditions)
    @one_of(of_menus)
    def saved_filter(self, name: str, filter_id: uuid.UUID) -> Any:
        """Opens it; POST renames or deletes it."""
        menu, actor = self._list(name)
        row = saved_filters.get(self.register, menu, filter_id)
        if request.method == "GET":
            return redirect(self._opened(menu, row))
        here = f"/{self.register.name}/{menu.name}/filters"
        if request.form.get("action") == "delete":
            with once() as click:
                gone = saved_filters.delete(self.register, menu, filter_id)
                click.leads_to(here, _("筛选“%(name)s”已删除。", name=gone))
            return click.answer()
        wanted = request.form.get("name", "")
        try:
            with transaction():
                saved_filters.rename(self.register, menu, filter_id, wanted)
        except Invalid as error:
            wrong = {"id": filter_id, "name": wanted, "errors": [error.message]}
            return self._filters_page(menu, actor, wrong=wrong)
        flash(_("名称已修改。"), "success")
        return redirect(here)

    def _opened(self, menu: Menu, row: SavedFilter) -> str:
        opened = saved_filters.opened(self.register, row)
        if opened.problems:
            problems = _("；").join(opened.problems)
            text = _("筛选“%(name)s”有的条件没有使用：%(what)s。", name=row.name, what=problems)
            flash(text, "warning")
        return ledger_pages.address(self.register, menu, opened.asked)

    def _saved(self, menu: Menu, actor: Actor) -> dict[str, Any]:
        here = f"/{self.register.name}/{menu.name}/filters"
        asked = ledger_pages.asked_text(request.args)
        rows = [
            {
                "id": str(row.id),
                "name": row.name,
                "url": f"{here}/{row.id}",
                "shared": row.path is not None,
                "who": row.account_name if row.account_id != actor.account_id else "",
                "may_change": saved_filters.may_change(row, actor),
            }
            for row in saved_filters.of(self.register, menu)
        ]
        return {"rows": rows, "url": here + (f"?{asked}" if asked else ""), "asked": bool(asked)}

    def _filters_page(
        self, menu: Menu, actor: Actor, *, said: dict[str, Any] | None = None,
        errors: dict[str, list[str]] | None = None, wrong: dict[str, Any] | None = None,
    ) -> Any:  # fmt: skip
        """``wrong``: the name that was refused for the filter of that id, and why."""
        wanted, _notices = ledger_pages.asked(self.register, menu, actor, request.args)
        query = parse(self.register, wanted, db.session, actor)
        page = self._saved(menu, actor) | {
            "title": _("“%(list)s”的常用筛选", list=translate(menu.title)),
            "chips": chips(ledger_filters.said(self.register, query, request.args), request.args),
            "said": said or {"name": "", "shared": False},
            "errors": errors or {},
            "wrong": wrong,
            "longest": LONGEST_NAME,
            "may_share": saved_filters.may_share(actor),
            "back_url": self._back(menu),
        }
        shell.at(f"/{self.register.name}/{menu.name}")
        shell.crumb(_("常用筛选"))
        status = 422 if errors or wrong else 200
        return self.render_template("lists/saved_filters.html", page=page), status

    # ---- wide searches --------------------------------------------------------------------------
    @expose("/<string:name>/search", methods=["POST"])
    @takes(conditions)
    @one_of(of_menus)
    def search(self, name: str) -> Any:
        """A search for which the area is too large goes into the background; another is answered."""
        menu, actor = self._list(name)
        wanted, _notices = ledger_pages.asked(self.register, menu, actor, request.args)
        query = parse(self.register, wanted, db.session, actor)
        try:
            Ledger(self.register, query, db.session, actor).require_narrow()
        except TooWideNow:
            words = (
                c.label for c in chips(ledger_filters.said(self.register, query, wanted), wanted)
            )
            known = {*BESIDE, "menu", *self.register.lists.filters.split()} - {"found"}
            asked = MultiDict((k, v) for k, v in wanted.items(multi=True) if v and k in known)
            with once() as click:
                job = searches.start(self.register, menu, dict(asked.lists()), _("，").join(words))
                click.leads_to(searches.address(job))
            return click.answer()
        return redirect(self._back(menu))
