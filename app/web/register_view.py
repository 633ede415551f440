"""The pages of a register, made from its declaration: lists, form, record, steps, review.

A :class:`RegisterView` is made once for each declared register and registered with FAB. Stock list
rendering, forms and actions are replaced (they neither scope nor scale); routing, blueprint and
permission names are FAB's.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from flask import flash, redirect, request
from flask_appbuilder import ModelView, expose
from flask_appbuilder.models.sqla.interface import SQLAInterface

from app.access import policy
from app.access.actor import Actor, Capability
from app.core.db import db
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.core.i18n import _, done_word, step_word, translate
from app.kernel import hooks
from app.kernel.beyond import reveal as personal
from app.kernel.declare import stages
from app.kernel.declare.flow import State, Transition
from app.kernel.declare.register import Register
from app.kernel.hooks import Pages
from app.kernel.households import moves
from app.kernel.kinds.values import to_json
from app.kernel.records import save as records
from app.web.frame import shell
from app.web.lists.views import ROUTES, ListPages
from app.web.register import new as new_views
from app.web.register import review_parts
from app.web.register import show as record_pages
from app.web.register.batch import BatchPages
from app.web.register.files import FilePages
from app.web.register.renew import RenewalPages
from app.web.register.review import ReviewPages
from app.web.register.shared import Said, acting, contact_of, version

#: Methods that are routes: of every register, and of those that have what the page is for.
_ROUTES = {*ROUTES, "entry_point", "show", "reveal"}
_FORM = {"edit", "draft", "discard", "clear"}
_FILES = {"upload", "turn"}
_REVIEW = {"review", "decide", "undo", "step", "batch"}


class RegisterView(
    RenewalPages,
    ListPages,
    new_views.NewPages,
    FilePages,
    ReviewPages,
    BatchPages,
    ModelView,
):
    """See the module. Subclasses carry ``register``; :func:`view_of` makes them."""

    register: Register
    default_view = "entry_point"

    # FAB would make WTForms and filters of every column here; ours come from the declaration.
    def _init_properties(self) -> None:
        self.label_columns = {n: f.label for n, f in self.register.fields.items()}
        self.related_views: list[Any] = []
        self._related_views: list[Any] = []

    def _init_forms(self) -> None:
        pass

    def _init_titles(self) -> None:
        self.title = self.register.title

    # ---- lists ------------------------------------------------------------------------------
    @expose("/")
    def entry_point(self) -> Any:
        """The first list that the account may open."""
        actor = acting()
        for menu in self.register.menus:
            if actor.has(Capability(menu.capability), self.register.name):
                return redirect(f"/{self.register.name}/{menu.name}")
        raise Forbidden(_("您的账号没有“%(what)s”的权限。", what=self.register.label))

    # ---- one record ---------------------------------------------------------------------------
    @expose("/<uuid:record_id>")
    def show(self, record_id: uuid.UUID) -> Any:
        row = records.get(self.register, record_id)
        actor = policy.require(Capability.SEARCH, self.register.name, row)
        return self._record_page(row, actor)

    def _record_page(self, row: Any, actor: Actor, said: Said | None = None) -> Any:
        base = f"/{self.register.name}/{row.id}"
        context = self._record_context(row, actor)
        context |= (said or Said(contact_of(actor))).context
        context["problems"] = said.problems if said else ()
        context["actions"] = []
        if self.register.of_households:
            url = f"/household/{row.household_id}"
            context["actions"].append({"label": _("农户主页"), "url": url, "icon": "home"})
        if records.asks_to_move(self.register, row):
            waiting = moves.waiting_of(row.household_id)
            if waiting is not None:
                url = f"/transfers/{waiting.id}"
                context["actions"].append({"label": _("迁户申请"), "url": url, "primary": True})
        if actor.has(Capability.AUDIT):
            url = f"/audit/of/{self.register.name}/{row.id}"
            context["actions"].append({"label": _("审计记录"), "url": url})
        if records.may_edit(self.register, row, actor):
            word = next(
                (
                    m.action
                    for m in self.register.menus
                    if Capability.ENTER in (m.capability, m.also)
                ),
                "",
            )
            context["actions"].append(
                {
                    "label": translate(word) or _("修改"),
                    "url": f"{base}/edit",
                    "primary": True,
                    "icon": "edit",
                }
            )
            clears = "clear" in self.include_route_methods
            if clears and row.state not in (State.MISSING, State.APPROVED):
                context["actions"].append(self._clear_action(row, base))
        context["actions"] += self._renew_action(row, actor)
        context["chain"] = self._chain_context(row, actor)
        for beside in hooks.record_parts(self.register, row, actor):
            context["actions"] += beside.actions
            context["notices"] += record_pages.told(beside.notices)
            context |= beside.shown
        steps = records.open_steps(self.register, row, actor)
        reviews = self.register.flow.reviews if self.register.flow else ()
        elsewhere = {"submit", *(name for review in reviews for name in review.steps)}
        context["decisions"] = [
            self._decision(step, base, actor) for step in steps if step.name not in elsewhere
        ]
        review = review_parts.open_review(self.register, row, actor)
        if review is not None and any(step.name == review.approve for step in steps):
            context["actions"].append(
                {
                    "label": _("审核"),
                    "url": f"{base}/review",
                    "primary": True,
                    "icon": "clipboard-check",
                }
            )
        shell.at(self._menu_url(Capability.SEARCH))
        shell.crumb(self.register.named(row))
        status = 422 if said else 200
        return self.render_template("register/record.html", record=context), status

    def _decision(self, step: Transition, base: str, actor: Actor) -> dict[str, Any]:
        return {
            "name": step.name,
            "label": step_word(step.label_for(actor.level)),
            "action_url": f"{base}/step/{step.name}",
            "needs_opinion": step.opinion,
            "danger": step.tone == "danger",
            "reasons": [translate(r) for r in step.reasons],
        }

    def _clear_action(self, row: Any, base: str) -> dict[str, Any]:
        said = {"name": self.register.named(row), "what": translate(self.register.record_word)}
        if self.register.creates is not None:
            question = _("将删除%(name)s的%(what)s和其中的文件，不能恢复。审计日志保留。", **said)
        elif self.register.renewal and row.predecessor_id:
            question = _(
                "将删除%(name)s的这份%(what)s里填写的全部内容和文件，上一份重新生效。办理记录保留。",
                **said,
            )
        elif self.register.flow is None:
            question = _("将删除%(name)s的%(what)s里填写的全部内容和文件。办理记录保留。", **said)
        elif stages.approved(self.register, row):
            question = _(
                "将删除%(name)s的%(what)s里尚未审核通过的内容和文件，已审核通过的阶段和办理记录保留。",
                **said,
            )
        else:
            question = _(
                "将删除%(name)s的%(what)s里填写的全部内容和文件，状态回到“%(state)s”。办理记录保留。",
                state=self.register.state_text(State.MISSING),
                **said,
            )
        url = f"{base}/clear?version={row.version}"
        return {
            "label": _("删除"),
            "url": url,
            "post": True,
            "danger": True,
            "confirm": question,
            "icon": "trash",
        }

    @expose("/<uuid:record_id>/clear", methods=["POST"])
    def clear(self, record_id: uuid.UUID) -> Any:
        name = self.register.named(records.get(self.register, record_id))
        records.clear(self.register, record_id, version(request.args.get("version")))
        flash(
            _(
                "%(name)s的%(what)s已删除。",
                name=name,
                what=translate(self.register.record_word),
            ),
            "success",
        )
        return redirect(shell.list_url(self._menu_url(Capability.ENTER)))

    @expose("/<uuid:record_id>/reveal", methods=["POST"])
    def reveal(self, record_id: uuid.UUID) -> Any:
        """The whole of a masked field, on a click that the audit log keeps."""
        row = records.get(self.register, record_id)
        policy.require(Capability.SEARCH, self.register.name, row)
        made = self.register.fields.get(request.args.get("field", ""))
        if made is None or not (made.masked or made.rows):
            raise NotFound(_("没有这个项目。"))
        personal.note_look(self.register.name, row, made.name)
        text = made.said(to_json(getattr(row, made.name)))
        return self.render_template("register/_revealed.html", text=text)

    # ---- steps ----------------------------------------------------------------------------------
    @expose("/<uuid:record_id>/step/<string:name>", methods=["POST"])
    def step(self, record_id: uuid.UUID, name: str) -> Any:
        """One step from the record's page: 上报, 撤回, 退回整改."""
        actor = acting()
        said = self._said(name, actor)
        try:
            row = records.transition(
                self.register, record_id, name, version(request.form.get("version")),
                said.contact, said.opinion, said.reasons,
            )  # fmt: skip
        except Invalid as error:
            db.session.rollback()
            row = records.get(self.register, record_id)
            return self._record_page(row, actor, replace(said, problems=error.problems))
        except Conflict as error:
            db.session.rollback()
            flash(error.message, "danger")
            return redirect(f"/{self.register.name}/{record_id}")
        made = self.register.flow.get(name) if self.register.flow else None
        label = done_word(made.label_for(actor.level)) if made else ""
        flash(_("%(name)s：%(step)s完成。", name=self.register.named(row), step=label), "success")
        return redirect(f"/{self.register.name}/{row.id}")


def _routes(register: Register, added: Sequence[Pages]) -> set[str]:
    routes = set(_ROUTES)
    if register.entered:
        routes |= _FORM | ({"assign"} if register.of_households else set())
    if register.file_fields:
        routes |= _FILES
    if any(menu.wide is not None for menu in register.menus):
        routes.add("beyond")
    if register.creates is not None:
        routes |= new_views.ROUTES
    if register.flow is not None:
        routes |= _REVIEW
    if register.renewal:
        routes |= {"renew", "reuse"}
    for pages in added:
        routes = (routes | pages.routes) - pages.without
    return routes


def view_of(register: Register) -> type[RegisterView]:
    """The view class of one register, with its own address and permission name."""
    added = hooks.register_pages(register)
    body = {
        "register": register,
        "route_base": f"/{register.name}",
        "datamodel": SQLAInterface(register.model),
        "class_permission_name": register.name,
        "include_route_methods": _routes(register, added),
    }
    bases = (*(pages.part for pages in added), RegisterView)
    return type(f"{register.model.__name__}View", bases, body)
