"""The form of a register: opening, saving, submitting, drafts, files, conflicts."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from flask import flash, redirect, request
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import permission_name

from app.access import policy
from app.access.actor import Actor, Capability
from app.core.clock import to_minute
from app.core.db import db
from app.core.errors import AnjuError, BadInput, Conflict, Invalid, TryAgain
from app.core.i18n import _, translate
from app.core.transactions import attempt
from app.kernel.declare import stages
from app.kernel.declare.flow import State
from app.kernel.declare.register import Register
from app.kernel.declare.rules import Problem
from app.kernel.households import lists as households
from app.kernel.kinds.values import is_missing, to_json
from app.kernel.records import drafts, habits, places, renewals, steps
from app.kernel.records import files as attachments
from app.kernel.records import save as records
from app.kernel.records.history import Contact
from app.kernel.rows.household import Household
from app.kernel.rows.record import Draft
from app.web.frame import neighbours, shell, view_log
from app.web.frame.clicks import Click, once, require_first
from app.web.register import form_parts, parsing
from app.web.register import show as record_pages
from app.web.register.drafts import beside, keep_aside
from app.web.register.form_page import Filled, FormPage
from app.web.register.parsing import Place, Posted, contact_of, version
from app.web.register.record import RecordRoutes
from app.web.register.shared import Routes, new_url


class FormRoutes(Routes):
    """The routes of a record's form."""

    @classmethod
    def of(cls, register: Register) -> frozenset[str]:
        if not register.entered:
            return frozenset()
        return super().of(register) - (set() if register.of_households else {"assign"})

    @expose("/<uuid:record_id>/edit", methods=["GET", "POST"])
    @permission_name(Capability.ENTER)
    def edit(self, record_id: uuid.UUID) -> Any:
        row = records.get(self.register, record_id)
        actor = records.require_entry(self.register, row)
        if not records.may_edit(self.register, row, actor):
            require_first()
            return self._closed(row, actor)
        if request.method == "POST":
            return self.save(row, actor)
        locked = stages.locked(self.register, row)
        draft = drafts.of(actor, row.id)
        typed = parsing.typed_of(self.register, row)
        carried = self._prefill(row, actor, typed) if row.state == State.MISSING else {}
        if draft is None:
            posted = parsing.parse(self.register, typed, locked)
            return self._form_page(row, actor, posted, carried=carried)
        typed, carried = parsing.laid_over(typed, carried, draft)
        posted = parsing.parse(self.register, typed, locked)
        conflict = None
        if draft.base_version != row.version and row.state != State.MISSING:
            conflict = self._conflict(row, posted)
        return self._form_page(row, actor, posted, draft=draft, carried=carried, conflict=conflict)

    def _closed(self, row: Any, actor: Actor) -> Any:
        """The form of a record that takes no changes any more: somebody submitted it, or it asks to
        move. What was typed into it stands beside the record, and can be copied.
        """
        here = f"/{self.register.name}/{row.id}"
        if request.method == "POST":
            keep_aside(self.register, row)
            return redirect(f"{here}/edit")
        if not records.asks_to_move(self.register, row):
            said = {"what": self.register.word, "state": self.register.state_text(row.state)}
            flash(_("该%(what)s现在是“%(state)s”，不能修改。", **said), "warning")
        typed = beside(self.register, row, drafts.of(actor, row.id))
        if typed is None:
            return redirect(here)
        policy.require(Capability.SEARCH, self.register.name, row)
        return RecordRoutes(self.register, self.offered).record_page(row, actor, typed=typed)

    def place(self, row: Any) -> Place | None:
        """The division that the form asks for: of records that users make, unless a household says
        it; as posted, else the record's own.
        """
        if self.register.creates is None or self.register.of_households:
            return None
        known = "" if row.region_id is None else str(row.region_id)
        text = request.form.get(places.FIELD, known)
        return Place(text.strip()[:20], self.register.creates.level)

    def _prefill(self, row: Any, actor: Actor, typed: parsing.Typed) -> dict[str, str]:
        """Put in what the list already says, and what this account gave last time; says where each
        came from, so that the form shows it. It counts only once it is saved by a click.
        """
        household = record_pages.household_of(self.register, row)
        last = habits.fields(actor, self.register)
        before = renewals.taken(self.register, row)
        carried = {}
        for name in typed:
            if not is_missing(typed[name]):
                continue
            if name in before and not is_missing(before[name].value):
                typed[name], carried[name] = to_json(before[name].value), before[name].source
                continue
            known = household is not None and name in Household.__fields__
            value = to_json(getattr(household, name)) if known else None
            if not is_missing(value):
                typed[name], carried[name] = value, _("按名单带出")
            elif name in last:
                typed[name], carried[name] = last[name], _("按上次填写带出")
        return carried

    def save(self, row: Any, actor: Actor) -> Any:
        posted = parsing.read(self.register, request.form, stages.locked(self.register, row))
        contact = contact_of(actor)
        removed = request.form.getlist("removed_files")
        place = self.place(row)
        ordered = [
            i for n, f in self.register.fields.items() if f.accept for i in request.form.getlist(n)
        ]
        try:
            with once() as click:
                row = records.save(
                    self.register,
                    row.id,
                    posted.values,
                    version(request.form.get("version")),
                    posted.problems,
                    place.key if place else None,
                )
                attachments.arrange(self.register, row, removed, ordered)
                refused = self.besides(click, row, actor, posted, contact)
        except Invalid as error:
            return self._form_page(
                self._fresh(row),
                actor,
                posted,
                problems=error.problems,
                contact=contact,
                removed=removed,
            )
        except TryAgain as error:  # nobody changed the record: all that was typed, once more
            flash(error.message, "warning")
            page, _status = self._form_page(
                self._fresh(row), actor, posted, contact=contact, removed=removed
            )
            return page, error.status
        except Conflict as error:
            return self._conflict_page(self._fresh(row), actor, posted, contact, removed, error)
        return self.answer(click, row, actor, posted, contact, refused)

    def besides(
        self, click: Click, row: Any, actor: Actor, posted: Posted, contact: Contact
    ) -> AnjuError | None:
        """What else belongs to a save: what the account used last, and the submission where the click
        asks for it. That one may be refused while the save stands: gives why.
        """
        habits.remember_fields(actor, self.register, posted.typed)
        submits = request.form.get("intent") == "submit"
        if submits and not records.asks_to_move(self.register, row):
            refused = attempt(
                lambda: steps.transition(self.register, row.id, "submit", row.version, contact)
            )
            if refused is not None:
                return refused
        self._go_on(click, row, actor)
        return None

    def _go_on(self, click: Click, row: Any, actor: Actor) -> None:
        """Where a save leads to."""
        register, name, intent = self.register, self.register.named(row), request.form.get("intent")
        here = f"/{register.name}/{row.id}"
        if records.asks_to_move(register, row):
            click.leads_to(here, _("%(name)s的迁户申请已提交，等待审批。", name=name))
            return
        if intent == "submit":
            said = _("%(name)s的%(what)s已上报，等待审核。", name=name, what=register.word)
            following = form_parts.following(register, row, actor)
            text = form_parts.with_link(said, _("填下一户"), following)
            click.leads_to(shell.list_url(self._menu_url(Capability.ENTER)), text)
            return
        following = form_parts.following(register, row, actor) if intent == "next" else None
        if intent == "next" and register.creates is not None:
            following = new_url(register)
        said = _("%(name)s的%(what)s已保存。", name=name, what=register.word)
        click.leads_to(following or f"{here}/edit{neighbours.kept()}", said)
        if intent == "next" and following is None:
            click.says(_("列表中没有下一户要填的了。"), "info")

    def answer(
        self, click: Click, row: Any, actor: Actor, posted: Posted, contact: Contact,
        refused: AnjuError | None,
    ) -> Any:  # fmt: skip
        """What follows a save; ``refused``: why it was not submitted too."""
        if refused is None:
            return click.answer()
        if not isinstance(refused, Invalid):
            raise refused
        click.tell()
        flash(_("已保存，但还不能上报：请补全下面各项。"), "warning")
        return self._form_page(
            self._fresh(row), actor, posted, problems=refused.problems, contact=contact
        )

    def _fresh(self, row: Any) -> Any:
        db.session.expire_all()
        return records.get(self.register, row.id)

    def _conflict_page(
        self,
        row: Any,
        actor: Actor,
        posted: Posted,
        contact: Contact,
        removed: Sequence[str],
        error: Conflict,
    ) -> Any:
        """Both versions, side by side. What this person did not touch is taken as it is stored."""
        if not records.may_edit(self.register, row, actor):
            flash(error.message, "danger")
            return self._closed(row, actor)
        stored = parsing.typed_of(self.register, row)
        touched = form_parts.touched(self.register, request.form)
        taken = []
        for name, value in stored.items():
            if touched is not None and name not in touched and posted.typed.get(name) != value:
                if (posted.typed.get(name) or None) != (value or None):
                    taken.append(translate(self.register.fields[name].label))
                posted.typed[name] = value
        posted = parsing.parse(self.register, posted.typed, stages.locked(self.register, row))
        conflict = self._conflict(row, posted) | {"taken": taken}
        return self._form_page(
            row, actor, posted, contact=contact, conflict=conflict, removed=removed
        )

    def _conflict(self, row: Any, posted: Posted) -> dict[str, Any]:
        """What somebody else saved otherwise than it stands in this form, see ``_conflict.html``."""
        stored, mine = parsing.typed_of(self.register, row), posted.typed
        differing = [
            {
                "name": name,
                "label": translate(made.label),
                "mine": made.said(mine.get(name)),
                "mine_value": mine.get(name),
                "theirs": made.said(stored[name]),
                "theirs_value": stored[name],
            }
            for name, made in self.register.fields.items()
            if name in stored
            and (mine.get(name) or None) != (stored[name] or None)
            and made.said(mine.get(name)) != made.said(stored[name])
        ]
        return {
            "who": form_parts.last_saver(row) or _("另一位用户"),
            "taken": [],
            "when": to_minute(row.changed_at),
            "rows": differing,
            "version": row.version,
        }

    def _form_page(
        self,
        row: Any,
        actor: Actor,
        posted: Posted,
        *,
        problems: Sequence[Problem] = (),
        contact: Contact | None = None,
        draft: Draft | None = None,
        conflict: dict[str, Any] | None = None,
        removed: Sequence[str] = (),
        carried: Mapping[str, str] | None = None,
    ) -> Any:
        """The form, and what came of sending it."""
        view_log.note(self.register.name, row)
        filled = Filled(
            posted,
            problems=problems,
            contact=contact or contact_of(actor),
            draft=draft,
            conflict=conflict,
            removed=removed,
            carried=carried or {},
            place=self.place(row),
        )
        context = FormPage(self.register, row, actor, filled).context()
        shell.at(self._menu_url(Capability.ENTER))
        shell.crumb(context["title"])
        clash = conflict is not None and request.method == "POST"
        status = 422 if problems else (409 if clash else 200)
        return self.render_template("register/form.html", form=context), status

    @expose("/<uuid:record_id>/assign", methods=["POST"])
    @permission_name(Capability.ENTER)
    def assign(self, record_id: uuid.UUID) -> Any:
        row = records.get(self.register, record_id)
        region, here = request.form.get("region", ""), f"/{self.register.name}/{record_id}/edit"
        if not (region.isascii() and region.isdigit() and len(region) < 10):
            flash(_("请选择行政村。"), "warning")
        else:
            try:
                with once() as click:
                    households.assign_village(row.household_id, int(region), self.register)
                    click.leads_to(here, _("所在行政村已确定。"))
                return click.answer()
            except BadInput as error:
                flash(error.message, "danger")
        return redirect(here)
