"""The form of a register: opening, saving, submitting, drafts, files, conflicts."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from flask import flash, jsonify, redirect, request
from flask_appbuilder import expose

from app.access import policy
from app.access.actor import Actor, Capability
from app.access.divisions.regions import Level, Region
from app.core.clock import local, today
from app.core.db import db
from app.core.errors import BadInput, Conflict, Invalid, TryAgain
from app.core.i18n import _, translate
from app.kernel import hooks
from app.kernel.declare import stages
from app.kernel.declare.flow import SENT_BACK, State
from app.kernel.declare.rules import Evaluation, Problem
from app.kernel.hooks import Earlier
from app.kernel.households import lists as households
from app.kernel.kinds.values import is_missing, to_json
from app.kernel.records import drafts, habits, history, owners, places, renewals
from app.kernel.records import files as attachments
from app.kernel.records import save as records
from app.kernel.records.history import Contact
from app.kernel.records.photo_facts import PhotoFacts
from app.kernel.rows.file import Attachment
from app.kernel.rows.household import Household
from app.web.frame import neighbours, shell, view_log
from app.web.register import form_parts, parsing
from app.web.register import show as record_pages
from app.web.register import stages as stage_pages
from app.web.register.parsing import Place, Posted, Shown
from app.web.register.shared import RegisterPages, contact_of, version

_MOST_DRAFT_BYTES = 300_000


class FormPages(RegisterPages):
    """The routes of a record's form."""

    @expose("/<uuid:record_id>/edit", methods=["GET", "POST"])
    def edit(self, record_id: uuid.UUID) -> Any:
        row = records.get(self.register, record_id)
        actor = policy.require(Capability.ENTER, self.register.name, row)
        owners.require(self.register, row, actor)
        if not records.may_edit(self.register, row, actor):
            if not records.asks_to_move(self.register, row):
                flash(
                    _(
                        "该%(what)s现在是“%(state)s”，不能修改。",
                        what=self.register.word,
                        state=self.register.state_text(row.state),
                    ),
                    "warning",
                )
            return redirect(f"/{self.register.name}/{row.id}")
        if request.method == "POST":
            return self._save(row, actor)
        locked = stages.locked(self.register, row)
        draft = drafts.of(actor, row.id)
        if draft is not None:
            return self._form_page(
                row, actor, parsing.parse(self.register, draft.values, locked), draft=draft
            )
        typed = parsing.typed_of(self.register, row)
        carried = self._prefill(row, actor, typed) if row.state == State.MISSING else {}
        posted = parsing.parse(self.register, typed, locked)
        return self._form_page(row, actor, posted, carried=carried)

    def _place(self, row: Any) -> Place | None:
        """The division that the form asks for: of records that users make, unless a household says
        it; as posted, else the record's own.
        """
        if self.register.creates is None or self.register.of_households:
            return None
        known = "" if row.region_id is None else str(row.region_id)
        text = request.form.get(places.FIELD, known)
        return Place(text.strip()[:20], self.register.creates)

    def _prefill(self, row: Any, actor: Actor, typed: parsing.Typed) -> dict[str, str]:
        """Put in what the list already says, and what this account gave last time; says where each
        came from, so that the form shows it. It counts only once it is saved by a click.
        """
        household = record_pages.household_of(row)
        last = habits.fields(actor, self.register)
        before = renewals.taken_over(self.register, row)
        carried = {}
        for name in typed:
            if not is_missing(typed[name]):
                continue
            if not is_missing(before.get(name)):
                typed[name], carried[name] = to_json(before[name]), _("按上次记录带出")
                continue
            known = household is not None and name in Household.__fields__
            value = to_json(getattr(household, name)) if known else None
            if not is_missing(value):
                typed[name], carried[name] = value, _("按名单带出")
            elif name in last:
                typed[name], carried[name] = last[name], _("按上次填写带出")
        return carried

    def _save(self, row: Any, actor: Actor) -> Any:
        posted = parsing.read(self.register, request.form, stages.locked(self.register, row))
        contact = contact_of(actor)
        removed = request.form.getlist("removed_files")
        place = self._place(row)
        try:
            row = records.save(
                self.register,
                row.id,
                posted.values,
                version(request.form.get("version")),
                posted.problems,
                place.key if place else None,
            )
        except Invalid as error:
            db.session.rollback()
            return self._form_page(
                self._fresh(row),
                actor,
                posted,
                problems=error.problems,
                contact=contact,
                removed=removed,
            )
        except TryAgain as error:  # nobody changed the record: all that was typed, once more
            db.session.rollback()
            flash(error.message, "warning")
            page, _status = self._form_page(
                self._fresh(row), actor, posted, contact=contact, removed=removed
            )
            return page, error.status
        except Conflict as error:
            db.session.rollback()
            return self._conflict_page(self._fresh(row), actor, posted, contact, removed, error)
        attachments.arrange(
            self.register, row, removed,
            [i for n, f in self.register.fields.items() if f.accept for i in request.form.getlist(n)],
        )  # fmt: skip
        return self._go_on(row, actor, posted, contact)

    def _go_on(self, row: Any, actor: Actor, posted: Posted, contact: Contact) -> Any:
        """Where a save leads to."""
        habits.remember_fields(actor, self.register, posted.typed)
        name = self.register.named(row)
        if records.asks_to_move(self.register, row):
            flash(_("%(name)s的迁户申请已提交，等待审批。", name=name), "success")
            return redirect(f"/{self.register.name}/{row.id}")
        intent = request.form.get("intent")
        if intent != "submit":
            flash(
                _(
                    "%(name)s的%(what)s已保存。",
                    name=name,
                    what=self.register.word,
                ),
                "success",
            )
            following = (
                form_parts.following(self.register, row, actor) if intent == "next" else None
            )
            if intent == "next" and self.register.creates is not None:
                following = f"/{self.register.name}/new"
            if intent == "next" and following is None:
                flash(_("列表中没有下一户要填的了。"), "info")
            here = f"/{self.register.name}/{row.id}/edit{neighbours.kept()}"
            return redirect(following or here)
        return self._submit(row, actor, posted, contact)

    def _submit(self, row: Any, actor: Actor, posted: Posted, contact: Contact) -> Any:
        try:
            records.transition(self.register, row.id, "submit", row.version, contact)
        except Invalid as error:
            db.session.rollback()
            flash(_("已保存，但还不能上报：请补全下面各项。"), "warning")
            return self._form_page(
                self._fresh(row), actor, posted, problems=error.problems, contact=contact
            )
        said = _(
            "%(name)s的%(what)s已上报，等待审核。",
            name=self.register.named(row),
            what=self.register.word,
        )
        following = form_parts.following(self.register, row, actor)
        flash(form_parts.with_link(said, _("填下一户"), following), "success")
        return redirect(shell.list_url(self._menu_url(Capability.ENTER)))

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
            flash(error.message + _("您填写的内容没有写入。"), "danger")
            return redirect(f"/{self.register.name}/{row.id}")
        stored = parsing.typed_of(self.register, row)
        touched = form_parts.touched(self.register, request.form)
        taken = []
        for name, value in stored.items():
            if touched is not None and name not in touched and posted.typed.get(name) != value:
                if (posted.typed.get(name) or None) != (value or None):
                    taken.append(translate(self.register.fields[name].label))
                posted.typed[name] = value
        posted = parsing.parse(self.register, posted.typed, stages.locked(self.register, row))
        differing = [
            {
                "name": name,
                "label": translate(made.label),
                "mine": made.said(posted.typed.get(name)),
                "mine_value": posted.typed.get(name),
                "theirs": made.said(stored[name]),
                "theirs_value": stored[name],
            }
            for name, made in self.register.fields.items()
            if name in stored
            and (posted.typed.get(name) or None) != (stored[name] or None)
            and made.said(posted.typed.get(name)) != made.said(stored[name])
        ]
        conflict = {
            "who": form_parts.last_saver(row) or _("另一位用户"),
            "taken": taken,
            "when": f"{local(row.changed_at):%Y-%m-%d %H:%M}",
            "rows": differing,
            "version": row.version,
        }
        return self._form_page(
            row, actor, posted, contact=contact, conflict=conflict, removed=removed
        )

    def _form_page(
        self,
        row: Any,
        actor: Actor,
        posted: Posted,
        *,
        problems: Sequence[Problem] = (),
        contact: Contact | None = None,
        draft: Any = None,
        conflict: dict[str, Any] | None = None,
        removed: Sequence[str] = (),
        carried: Mapping[str, str] | None = None,
    ) -> Any:
        view_log.note(self.register.name, row)
        base = f"/{self.register.name}/{row.id}"
        household = record_pages.household_of(row)
        stored = records.attachments_of(row)
        files = [a for a in stored if str(a.id) not in removed]
        known = record_pages.earlier(self.register, row) if household else []
        evaluation = records.evaluate(self.register, row, posted.values, stored)
        shown = Shown(
            typed=posted.typed,
            evaluation=evaluation,
            locked=self._locked(row, evaluation, stored),
            attachments=files,
            problems=problems,
            carried=carried or {},
            upload_url=f"{base}/files/{{field}}",
            priors=self._priors(row, household, known) if household else {},
            turn_url=f"{base}/turn",
            earlier=Counter(file.field for file in renewals.papers(self.register, row)),
            fillers=self._fillers(household) if household else {},
            photo_facts=PhotoFacts(db.session(), row, posted.values),
            place=self._place(row),
        )
        contact = contact or contact_of(actor)
        wrong = {p.field: [p.message] for p in problems if p.field.startswith("contact_")}
        context = {
            "title": self.register.named(row),
            "subtitle": self.register.label,
            "state": record_pages.state_of(self.register, row),
            "facts": [
                *record_pages.facts(self.register, row, household, whole=True),
                *record_pages.kept_facts(self.register, row),
            ],
            "source": stage_pages.source(self.register, row, actor),
            **stage_pages.lines(self.register, row),
            "notices": [
                *record_pages.warnings(self.register, row),
                *(self._notices(row, history.of(row)) if row.state in SENT_BACK else []),
                *record_pages.known_notices(known),
                *(
                    {"tone": "warn", "text": found.message}
                    for found in records.findings(self.register, row, evaluation)
                ),
            ],
            "sections": parsing.sections(self.register, shown),
            "errors": parsing.summary(self.register, problems),
            "rules": parsing.rules_json(self.register, row),
            "fixed": self._fixed(row),
            "today": today().isoformat(),
            "version": row.version if draft is None else draft.base_version,
            "action_url": f"{base}/edit{neighbours.kept()}",
            "draft_url": f"{base}/draft",
            "draft": draft and _draft_context(draft, base),
            "removed": list(removed),
            "touched": form_parts.touched(self.register, request.form)
            if request.method == "POST"
            else form_parts.touched_before(self.register, row, posted, draft),
            "actions": self._form_actions(row, actor),
            "links": [
                {"label": _("返回列表"), "url": shell.list_url(self._menu_url(Capability.ENTER))}
            ],
            "contact": {"name": contact.person, "phone": contact.phone, "errors": wrong}
            if self.register.flow
            else None,
            "conflict": conflict,
            "panels": hooks.form_panels(self.register, row),
            "assign": self._assignment(household, base) if household else None,
        }
        shell.at(self._menu_url(Capability.ENTER))
        shell.crumb(self.register.named(row))
        status = 422 if problems else (409 if conflict else 200)
        return self.render_template("register/form.html", form=context), status

    def _locked(
        self, row: Any, evaluation: Evaluation, files: Sequence[Attachment]
    ) -> dict[str, dict[str, Any]]:
        """The sections of approved stages as they are read, by name."""
        if not (locked := stages.locked(self.register, row)):
            return {}
        read = record_pages.sections(self.register, row, evaluation, files, whole=True)
        names = {
            f"s{number + 1}"
            for number, section in enumerate(self.register.sections)
            if locked.issuperset(section.fields)
        }
        return {one["name"]: one | {"read": True} for one in read if one["name"] in names}

    def _fixed(self, row: Any) -> dict[str, Any]:
        """What stands in no input, and rules ask for."""
        facts = self.register.rules_of(row).facts
        names = [n for n in stages.locked(self.register, row) if self.register.fields[n].stored]
        return {name: to_json(getattr(row, name)) for name in sorted({*names, *facts})}

    def _form_actions(self, row: Any, actor: Actor) -> list[dict[str, Any]]:
        actions: list[dict[str, Any]] = [
            {"name": "save", "label": _("保存"), "shortcut": "Ctrl+S"},
            {
                "name": "next",
                "label": _("保存并填下一户") if self.register.creates is None else _("录入下一个"),
            },
        ]
        if self.register.flow is None:
            actions[0]["primary"] = True
        step = self.register.flow.get("submit") if self.register.flow else None
        if step and policy.may(step.capability, self.register.name, row, actor=actor):
            stage = stages.at_hand(self.register, row)
            label = _("保存并上报%(stage)s", stage=stage.label) if stage else _("保存并上报")
            actions.append(
                {
                    "name": "submit",
                    "label": label,
                    "primary": True,
                    "complete": True,
                    "shortcut": "Ctrl+Enter",
                }
            )
        return actions

    def _priors(
        self, row: Any, household: Household, known: Sequence[Earlier]
    ) -> dict[str, list[dict[str, Any]]]:
        """What was known before, beside its field: earlier results, and what the household's list
        says otherwise.
        """
        found = record_pages.priors(row, known)
        for name, made in self.register.fields.items():
            if name not in Household.__fields__ or row.state == State.MISSING:
                continue
            value = getattr(household, name)
            if not is_missing(value) and value != getattr(row, name):
                listed = {"value": to_json(value), "text": made.text(value), "source": _("名单")}
                found.setdefault(name, []).append(listed)
        return found

    def _fillers(self, household: Household) -> dict[str, list[dict[str, Any]]]:
        """与户主一致: a row of children filled in with the head."""
        head = {
            "name": household.head_name,
            "id_number": household.head_id or household.matching_id,
            "phone": household.phone,
        }
        return {
            name: [{"label": _("与户主一致"), "values": head}]
            for name, made in self.register.fields.items()
            if made.rows
            and not made.required
            and {"name", "id_number"} <= {f.name for f in made.rows}
        }

    def _assignment(self, household: Household, base: str) -> dict[str, Any] | None:
        region = db.session.get(Region, household.region_id)
        if region is None or region.level == Level.VILLAGE:
            return None
        return {"action_url": f"{base}/assign", "region_name": region.full_name}

    # ---- drafts -------------------------------------------------------------------------------
    @expose("/<uuid:record_id>/draft", methods=["POST"])
    def draft(self, record_id: uuid.UUID) -> Any:
        body = self._draft_body()
        typed = parsing.clean_draft(self.register, body.get("values"))
        draft = drafts.keep(self.register, record_id, version(body.get("version")), typed)
        return jsonify(saved_at=f"{local(draft.saved_at):%H:%M}")

    def _draft_body(self) -> dict[str, Any]:
        if (request.content_length or 0) > _MOST_DRAFT_BYTES:
            raise BadInput(_("草稿内容过大。"))
        try:
            body = request.get_json(silent=True)
        except RecursionError:  # brackets in brackets, and no draft of ours
            body = None
        if not isinstance(body, dict):
            raise BadInput(_("草稿内容有误。"))
        return body

    @expose("/<uuid:record_id>/discard", methods=["POST"])
    def discard(self, record_id: uuid.UUID) -> Any:
        row = records.get(self.register, record_id)
        actor = policy.require(Capability.ENTER, self.register.name, row)
        owners.require(self.register, row, actor)
        drafts.drop(actor, row.id)
        flash(_("草稿已放弃。"), "success")
        return redirect(f"/{self.register.name}/{row.id}/edit")

    @expose("/<uuid:record_id>/assign", methods=["POST"])
    def assign(self, record_id: uuid.UUID) -> Any:
        row = records.get(self.register, record_id)
        region = request.form.get("region", "")
        if not (region.isascii() and region.isdigit() and len(region) < 10):
            flash(_("请选择行政村。"), "warning")
        else:
            try:
                households.assign_village(row.household_id, int(region), self.register)
                flash(_("所在行政村已确定。"), "success")
            except BadInput as error:
                db.session.rollback()
                flash(error.message, "danger")
        return redirect(f"/{self.register.name}/{record_id}/edit")


def _draft_context(draft: Any, base: str) -> dict[str, Any]:
    return {
        "saved_at": f"{local(draft.saved_at):%H:%M}",
        "restored": True,
        "discard_url": f"{base}/discard",
    }
