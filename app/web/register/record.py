"""The page of one record: what it says, what may be done with it, and its steps."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from flask import flash, redirect, request
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import permission_name

from app.access import policy
from app.access.actor import Actor, Capability
from app.access.scope import is_hidden
from app.core.errors import Conflict, Invalid, NotFound
from app.core.i18n import _, done_word, step_word, translate
from app.kernel.beyond import reveal as personal
from app.kernel.declare import stages
from app.kernel.declare.flow import State, Transition
from app.kernel.declare.register import Register
from app.kernel.exchange.printed import single
from app.kernel.households import moves
from app.kernel.kinds.values import to_json
from app.kernel.records import hiding, named_households, renewals, steps
from app.kernel.records import save as records
from app.web.frame import shell
from app.web.frame.addresses import takes
from app.web.frame.clicks import once
from app.web.frame.rights import of_steps, one_of
from app.web.register import review_parts
from app.web.register.page import RecordPage
from app.web.register.parsing import contact_of, version
from app.web.register.renew import chain
from app.web.register.shared import Routes, Said, acting


def _days(routes: Routes, **_path: Any) -> tuple[str, ...]:
    """The day that is asked about where records follow one another."""
    return ("on",) if routes.register.renewal else ()


class RecordRoutes(Routes):
    """The routes of a record's page."""

    @classmethod
    def of(cls, register: Register) -> frozenset[str]:
        without = set() if register.entered else {"clear"}
        without |= {"step"} if register.flow is None else set()
        without |= {"clear"} if register.keeps else {hiding.HIDE, hiding.RESTORE}
        return super().of(register) - without

    @expose("/<uuid:record_id>")
    @takes(_days)
    @permission_name(Capability.SEARCH)
    def show(self, record_id: uuid.UUID) -> Any:
        row = hiding.shown(self.register, record_id)
        actor = policy.require(Capability.SEARCH, self.register.name, row)
        return self.record_page(row, actor)

    def record_page(
        self, row: Any, actor: Actor, said: Said | None = None, typed: dict[str, Any] | None = None
    ) -> Any:
        """The page; ``said``: a step that was refused, ``typed``: what was typed into the record and
        not saved (:func:`app.web.register.drafts.beside`).
        """
        page = ShownPage(self.register, row, actor, clears="clear" in self.offered)
        context = page.context() | (said or Said(contact_of(actor))).context
        context["problems"] = said.problems if said else ()
        context["typed"] = typed
        opened_by = Capability.RESTORE if is_hidden(row) else Capability.SEARCH
        shell.at(self._menu_url(opened_by))
        shell.crumb(self.register.named(row))
        return self.render_template("register/record.html", record=context), 422 if said else 200

    @expose("/<uuid:record_id>/clear", methods=["POST"])
    @takes("version")
    @permission_name(Capability.ENTER)
    def clear(self, record_id: uuid.UUID) -> Any:
        name = self.register.named(records.get(self.register, record_id))
        said = {"name": name, "what": translate(self.register.record_word)}
        with once() as click:
            records.clear(self.register, record_id, version(request.args.get("version")))
            back = shell.list_url(self._menu_url(Capability.ENTER))
            click.leads_to(back, _("%(name)s的%(what)s已删除。", **said))
        return click.answer()

    @expose("/<uuid:record_id>/hide", methods=["POST"])
    @permission_name(Capability.ENTER)
    def hide(self, record_id: uuid.UUID) -> Any:
        """Delete a record that is kept, with a reason."""
        policy.require(Capability.ENTER, self.register.name)
        back = shell.list_url(self._menu_url(Capability.ENTER))
        return self._put(record_id, hiding.HIDE, hiding.hide, back, _("%(name)s的%(what)s已删除。"))

    @expose("/<uuid:record_id>/bring_back", methods=["POST"])
    @permission_name(Capability.RESTORE)
    def bring_back(self, record_id: uuid.UUID) -> Any:
        """Bring a deleted record back, with a reason."""
        policy.require(Capability.RESTORE, self.register.name)
        here = f"/{self.register.name}/{record_id}"
        return self._put(
            record_id, hiding.RESTORE, hiding.restore, here, _("%(name)s的%(what)s已恢复。")
        )

    def _put(
        self, record_id: uuid.UUID, name: str, act: Callable[..., Any], leads_to: str, text: str
    ) -> Any:
        actor, register = acting(), self.register
        said = self._said(name, actor)
        try:
            with once() as click:
                row = act(register, record_id, version(request.form.get("version")), said.opinion)
                click.leads_to(
                    leads_to, text % {"name": register.named(row), "what": register.word}
                )
        except Invalid as error:
            row = hiding.shown(register, record_id)
            beside = {hiding.REASON: "opinion"}  # where the page asks for it
            told = [replace(p, field=beside.get(p.field, p.field)) for p in error.problems]
            return self.record_page(row, actor, replace(said, problems=told))
        except Conflict as error:
            flash(error.message, "danger")
            return redirect(f"/{register.name}/{record_id}")
        return click.answer()

    @expose("/<uuid:record_id>/reveal", methods=["POST"])
    @takes("field")
    @permission_name(Capability.SEARCH)
    def reveal(self, record_id: uuid.UUID) -> Any:
        """The whole of a masked field, on a click that the audit log keeps."""
        row = hiding.shown(self.register, record_id)
        policy.require(Capability.SEARCH, self.register.name, row)
        made = self.register.fields.get(request.args.get("field", ""))
        if made is None or not (made.masked or made.rows):
            raise NotFound(_("没有这个项目。"))
        personal.note_look(self.register.name, row, made.name)
        text = made.said(to_json(getattr(row, made.name)))
        return self.render_template("register/_revealed.html", text=text)

    @expose("/<uuid:record_id>/step/<string:name>", methods=["POST"])
    @one_of(of_steps)
    def step(self, record_id: uuid.UUID, name: str) -> Any:
        """One step from the record's page: 上报, 撤回, 退回整改."""
        actor = acting()
        said, here = self._said(name, actor), f"/{self.register.name}/{record_id}"
        try:
            with once() as click:
                row = steps.transition(
                    self.register, record_id, name, version(request.form.get("version")),
                    said.contact, said.opinion, said.reasons,
                )  # fmt: skip
                made = self._step(name)
                label = done_word(made.label_for(actor.level)) if made else ""
                text = _("%(name)s：%(step)s完成。", name=self.register.named(row), step=label)
                click.leads_to(here, text)
        except Invalid as error:
            row = records.get(self.register, record_id)
            return self.record_page(row, actor, replace(said, problems=error.problems))
        except Conflict as error:
            flash(error.message, "danger")
            return redirect(here)
        return click.answer()


class ShownPage(RecordPage):
    """A record read-only, with what the account may do with it. ``clears``: are records of the
    register deleted by their page?
    """

    def __init__(self, register: Register, row: Any, actor: Actor, *, clears: bool) -> None:
        super().__init__(register, row, actor)
        self._clears = clears

    def context(self) -> dict[str, Any]:
        """The context of ``register/record.html`` but for what a person said with a step."""
        context = self.read()
        context["actions"] = [*self._ways(), *self._changes(), *self._renewing()]
        context["chain"] = chain(self)
        for beside in self.beside:
            context["actions"] += beside.actions
            context |= beside.shown
        open_now = steps.open_steps(self.register, self.row, self.actor)
        reviews = self.register.flow.reviews if self.register.flow else ()
        elsewhere = {"submit", *(name for review in reviews for name in review.steps)}
        context["decisions"] = [
            self._decision(step) for step in open_now if step.name not in elsewhere
        ]
        context["decisions"] += self._hiding()
        context["actions"] += self._reviewing(open_now)
        return context

    def _hiding(self) -> Iterator[dict[str, Any]]:
        """Deleting a record that is kept, and bringing it back."""
        register, row = self.register, self.row
        if not register.keeps:
            return
        common = {"needs_opinion": True, "reasons": [], "without_person": True}
        common["opinion_label"] = _("原因")
        if is_hidden(row):
            if policy.may(Capability.RESTORE, register.name, row, actor=self.actor):
                url = f"{self.url}/{hiding.RESTORE}"
                yield common | {"name": hiding.RESTORE, "label": _("恢复"), "action_url": url}
        elif records.may_edit(register, row, self.actor):
            url = f"{self.url}/{hiding.HIDE}"
            yield common | {
                "name": hiding.HIDE, "label": _("删除"), "action_url": url, "danger": True,
            }  # fmt: skip

    def _ways(self) -> Iterator[dict[str, Any]]:
        """To what else there is about it."""
        if self.register.of_households or (
            self.register.names_household and named_households.listed(self.row)
        ):
            url = f"/household/{self.row.household_id}"
            yield {"label": _("农户主页"), "url": url, "icon": "home"}
        yield from self._papers()
        if records.asks_to_move(self.register, self.row):
            waiting = moves.waiting_of(self.row.household_id)
            if waiting is not None:
                url = f"/transfers/{waiting.id}"
                yield {"label": _("迁户申请"), "url": url, "primary": True}
        if self.actor.has(Capability.AUDIT):
            url = f"/audit/of/{self.register.name}/{self.row.id}"
            yield {"label": _("审计记录"), "url": url}

    def _papers(self) -> Iterator[dict[str, Any]]:
        """With whole numbers for those who may take them along; none of what was deleted."""
        if is_hidden(self.row):
            return
        way = "print" if self.actor.has(Capability.EXPORT, self.register.name) else "paper"
        own = [paper for paper in self.register.papers if single.has(paper, self.row)]
        for paper in own:
            word = _("打印") if len(own) == 1 else _("打印%(what)s", what=paper.label)
            yield {"label": word, "url": f"{self.url}/{way}/{paper.name}", "icon": "printer"}

    def _changes(self) -> Iterator[dict[str, Any]]:
        """Editing it, and deleting what was entered."""
        if not records.may_edit(self.register, self.row, self.actor):
            return
        enters = (m for m in self.register.menus if Capability.ENTER in (m.capability, m.also))
        word = next((menu.action for menu in enters), "")
        label = translate(word) or _("修改")
        yield {"label": label, "url": f"{self.url}/edit", "primary": True, "icon": "edit"}
        if self._clears and self.row.state not in (State.MISSING, State.APPROVED):
            yield {
                "label": _("删除"),
                "url": f"{self.url}/clear?version={self.row.version}",
                "post": True,
                "danger": True,
                "confirm": self._clear_question(),
                "icon": "trash",
            }

    def _clear_question(self) -> str:
        register = self.register
        said = {"name": register.named(self.row), "what": translate(register.record_word)}
        if register.creates is not None:
            return _("将删除%(name)s的%(what)s和其中的文件，不能恢复。审计日志保留。", **said)
        if register.renewal and self.row.predecessor_id:
            return _(
                "将删除%(name)s的这份%(what)s里填写的全部内容和文件，上一份重新生效。办理记录保留。",
                **said,
            )
        if register.flow is None:
            return _("将删除%(name)s的%(what)s里填写的全部内容和文件。办理记录保留。", **said)
        if stages.approved(register, self.row):
            return _(
                "将删除%(name)s的%(what)s里尚未审核通过的内容和文件，已审核通过的阶段和办理记录保留。",
                **said,
            )
        return _(
            "将删除%(name)s的%(what)s里填写的全部内容和文件，状态回到“%(state)s”。办理记录保留。",
            state=register.state_text(State.MISSING),
            **said,
        )

    def _renewing(self) -> Iterator[dict[str, Any]]:
        """A new record after it."""
        renewal = self.register.renewal
        if renewal and renewals.may_renew(self.register, self.row, self.actor):
            url = f"{self.url}/renew"
            yield {
                "label": renewal.label,
                "url": url,
                "post": True,
                "primary": True,
                "icon": "plus",
            }

    def _reviewing(self, steps: list[Transition]) -> Iterator[dict[str, Any]]:
        """Its review, where it waits for this account's."""
        review = review_parts.open_review(self.register, self.row, self.actor)
        if review is not None and any(step.name == review.approve for step in steps):
            yield {
                "label": _("审核"),
                "url": f"{self.url}/review",
                "primary": True,
                "icon": "clipboard-check",
            }

    def _decision(self, step: Transition) -> dict[str, Any]:
        return {
            "name": step.name,
            "label": step_word(step.label_for(self.actor.level)),
            "action_url": f"{self.url}/step/{step.name}",
            "needs_opinion": step.opinion,
            "danger": step.tone == "danger",
            "reasons": [translate(r) for r in step.reasons],
        }
