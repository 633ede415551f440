"""The pages of a register, made from its declaration: lists, form, record, steps, review.

A :class:`RegisterView` is made once for each declared register and registered with FAB. Stock list
rendering, forms and actions are replaced (they neither scope nor scale); routing, blueprint and
permission names are FAB's.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from flask import flash, jsonify, redirect, request, session
from flask_appbuilder import ModelView, expose
from flask_appbuilder.models.sqla.interface import SQLAInterface

from app.access import audit, policy
from app.access.actor import Actor, Capability
from app.access.audit import Act
from app.access.regions import Level, Region
from app.access.scope import current_actor
from app.actions import households, records
from app.actions.records import Contact
from app.core.clock import local, now, today
from app.core.db import db
from app.core.errors import AnjuError, BadInput, Conflict, Forbidden, Invalid, NotFound
from app.core.i18n import _, done_word, step_word, translate
from app.registry.expressions import is_missing, to_json
from app.registry.flow import State, Transition
from app.registry.households import Household
from app.registry.register import Register
from app.registry.rules import Problem
from app.web import attachments, forms, ledger_pages, record_pages, review_pages, shell
from app.web.forms import Posted, Shown

_MOST_AT_ONCE = 100
_MOST_DRAFT_BYTES = 300_000
_ROUTES = {
    "entry_point", "ledger", "show", "edit", "draft", "discard", "upload", "review", "decide",
    "undo", "step", "batch", "clear", "reveal", "assign",
}  # fmt: skip


class RegisterView(ModelView):
    """See the module. Subclasses carry ``register``; :func:`view_of` makes them."""

    register: Register
    include_route_methods = _ROUTES
    default_view = "entry_point"

    # FAB would make WTForms and filters of every column here; ours come from the declaration.
    def _init_properties(self) -> None:
        self.label_columns = {n: f.label for n, f in self.register.fields.items()}
        self.related_views, self._related_views = [], []

    def _init_forms(self) -> None:
        pass

    def _init_titles(self) -> None:
        self.title = self.register.title

    # ---- lists ------------------------------------------------------------------------------
    @expose("/")
    def entry_point(self) -> Any:
        """The first list that the account may open."""
        actor = _actor()
        for menu in self.register.menus:
            if actor.has(Capability(menu.capability), self.register.name):
                return redirect(f"/{self.register.name}/{menu.name}")
        raise Forbidden(_("您的账号没有“%(what)s”的权限。", what=self.register.label))

    @expose("/<string:name>")
    def ledger(self, name: str) -> Any:
        menu = next((m for m in self.register.menus if m.name == name), None)
        if menu is None:
            raise NotFound(_("没有找到该页面。"))
        actor = policy.require(Capability(menu.capability), self.register.name)
        if menu.capability == Capability.REVIEW and "list" not in request.args:
            first = review_pages.first(self.register, actor, _region_argument())
            if first is not None and not request.args:
                return redirect(f"/{self.register.name}/{first}/review")
        context = ledger_pages.context(self.register, menu, actor, request.args)
        return self.render_template("anju/list.html", ledger=context)

    # ---- one record ---------------------------------------------------------------------------
    @expose("/<uuid:record_id>")
    def show(self, record_id: uuid.UUID) -> Any:
        row = records.get(self.register, record_id)
        actor = policy.require(Capability.SEARCH, self.register.name, row)
        return self._record_page(row, actor)

    def _record_page(
        self, row: Any, actor: Actor, problems: Sequence[Problem] = (), opinion: str = ""
    ) -> Any:
        base = f"/{self.register.name}/{row.id}"
        context = self._record_context(row, actor)
        context |= {"problems": problems, "opinion": opinion, "version": row.version}
        context["errors"] = {"opinion": [p.message for p in problems]} if problems else {}
        context["steps"] = record_pages.steps(row.state)
        context["actions"] = [
            {"label": _("农户主页"), "url": f"/household/{row.household_id}", "icon": "home"}
        ]
        if records.may_edit(self.register, row, actor):
            word = next(
                (m.action for m in self.register.menus if m.capability == Capability.ENTER), ""
            )
            context["actions"].append(
                {
                    "label": translate(word) or _("修改"),
                    "url": f"{base}/edit",
                    "primary": True,
                    "icon": "edit",
                }
            )
            if row.state != State.MISSING:
                context["actions"].append(self._clear_action(row, base))
        context["decisions"] = [
            self._decision(step, base, actor)
            for step in records.open_steps(self.register, row, actor)
            if step.name not in ("submit", "approve", "return")
        ]
        if row.state == State.SUBMITTED and any(
            s.name == "approve" for s in records.open_steps(self.register, row, actor)
        ):
            context["actions"].append(
                {
                    "label": _("审核"),
                    "url": f"{base}/review",
                    "primary": True,
                    "icon": "clipboard-check",
                }
            )
        shell.at(self._menu_url(Capability.SEARCH))
        shell.crumb(row.head_name)
        status = 422 if problems else 200
        return self.render_template("anju/record.html", record=context), status

    def _record_context(self, row: Any, actor: Actor, *, marked: bool = False) -> dict[str, Any]:
        files = records.attachments_of(row)
        entries = records.history(row)
        whole = record_pages.sees_all(self.register, row, actor)
        before, after = record_pages.last_submissions(entries)
        household = households.get(row.household_id)
        reveal = f"/household/{household.id}/reveal"
        return {
            "id": str(row.id),
            "title": row.head_name,
            "subtitle": self.register.label,
            "state": record_pages.state_tag(row.state),
            "facts": record_pages.household_facts(household, whole=whole, reveal_url=reveal),
            "notices": [] if marked else self._notices(row, entries),
            "sections": record_pages.sections(
                self.register,
                row,
                records.evaluate(self.register, row),
                files,
                whole=whole,
                before=before if marked else None,
                now=after,
            )
            if row.state != State.MISSING
            else [],
            "history": record_pages.history(self.register, entries, whole=whole),
            "version": row.version,
        }

    def _notices(self, row: Any, entries: Sequence[Any]) -> list[dict[str, str]]:
        if row.state == State.MISSING:
            return [
                {
                    "tone": "info",
                    "text": _(
                        "该户还没有录入%(what)s。", what=translate(self.register.record_word)
                    ),
                }
            ]
        if row.state == State.RETURNED and entries:
            last = entries[-1]
            text = _(
                "%(who)s 于 %(when)s %(step)s：%(opinion)s",
                who=last.person or last.account_name,
                when=f"{local(last.at):%Y-%m-%d %H:%M}",
                step=done_word(last.label),
                opinion=record_pages.opinion_text(last) or _("没有填写意见"),
            )
            return [{"tone": "warn", "text": text}]
        return []

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
        question = _(
            "将删除%(name)s的%(what)s里填写的全部内容和文件，状态回到“未录入”。办理记录保留。",
            name=row.head_name,
            what=translate(self.register.record_word),
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

    def _menu_url(self, capability: Capability) -> str:
        found = (m.name for m in self.register.menus if m.capability == capability)
        return f"/{self.register.name}/{next(found, '')}"

    # ---- the form -----------------------------------------------------------------------------
    @expose("/<uuid:record_id>/edit", methods=["GET", "POST"])
    def edit(self, record_id: uuid.UUID) -> Any:
        row = records.get(self.register, record_id)
        actor = policy.require(Capability.ENTER, self.register.name, row)
        if not records.may_edit(self.register, row, actor):
            flash(_("该档案现在是“%(state)s”，不能修改。", state=row.state.label), "warning")
            return redirect(f"/{self.register.name}/{row.id}")
        if request.method == "POST":
            return self._save(row, actor)
        draft = records.draft_of(actor, row.id)
        if draft is not None:
            return self._form_page(
                row, actor, forms.parse(self.register, draft.values), draft=draft
            )
        typed = forms.typed_of(self.register, row)
        if row.state == State.MISSING:
            self._prefill(row, typed)
        return self._form_page(row, actor, forms.parse(self.register, typed))

    def _prefill(self, row: Any, typed: forms.Typed) -> None:
        """What the list already says, and what this person typed last time; nothing is chosen."""
        household = households.get(row.household_id)
        for name in typed:
            if is_missing(typed[name]) and name in Household.__fields__:
                typed[name] = to_json(getattr(household, name))
        for name in self.register.remember.split():
            if is_missing(typed.get(name)):
                typed[name] = session.get(f"last_{name}")

    def _save(self, row: Any, actor: Actor) -> Any:
        posted = forms.read(self.register, request.form)
        contact = Contact(
            request.form.get("contact_name", "").strip()[:64],
            request.form.get("contact_phone", "").strip()[:32],
        )
        removed = request.form.getlist("removed_files")
        try:
            row = records.save(
                self.register,
                row.id,
                posted.values,
                _version(request.form.get("version")),
                posted.problems,
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
        except Conflict as error:
            db.session.rollback()
            return self._conflict_page(self._fresh(row), actor, posted, contact, error)
        attachments.arrange(
            self.register, row, removed,
            [i for n, f in self.register.fields.items() if f.accept for i in request.form.getlist(n)],
        )  # fmt: skip
        for name in self.register.remember.split():
            if posted.typed.get(name):
                session[f"last_{name}"] = posted.typed[name]
        if request.form.get("intent") != "submit":
            flash(
                _(
                    "%(name)s的%(what)s已保存。",
                    name=row.head_name,
                    what=translate(self.register.record_word),
                ),
                "success",
            )
            return redirect(f"/{self.register.name}/{row.id}/edit")
        return self._submit(row, actor, posted, contact)

    def _submit(self, row: Any, actor: Actor, posted: Posted, contact: Contact) -> Any:
        try:
            records.transition(self.register, row.id, "submit", row.version, contact)
        except Invalid as error:
            db.session.rollback()
            flash(_("已保存，但还不能上报：请补全下面各项。"), "warning")
            problems = [
                Problem("contact_name", p.code, p.message) if p.field == "person" else p
                for p in error.problems
            ]
            return self._form_page(
                self._fresh(row), actor, posted, problems=problems, contact=contact
            )
        flash(
            _(
                "%(name)s的%(what)s已上报，等待审核。",
                name=row.head_name,
                what=translate(self.register.record_word),
            ),
            "success",
        )
        return redirect(self._menu_url(Capability.ENTER))

    def _fresh(self, row: Any) -> Any:
        db.session.expire_all()
        return records.get(self.register, row.id)

    def _conflict_page(
        self, row: Any, actor: Actor, posted: Posted, contact: Contact, error: Conflict
    ) -> Any:
        if not records.may_edit(self.register, row, actor):
            flash(error.message + _("您填写的内容没有写入。"), "danger")
            return redirect(f"/{self.register.name}/{row.id}")
        stored = forms.typed_of(self.register, row)
        differing = [
            {
                "name": name,
                "label": translate(made.label),
                "mine": record_pages.snapshot_text(made, posted.typed.get(name)),
                "mine_value": posted.typed.get(name),
                "theirs": record_pages.snapshot_text(made, stored[name]),
                "theirs_value": stored[name],
            }
            for name, made in self.register.fields.items()
            if name in stored and (posted.typed.get(name) or None) != (stored[name] or None)
        ]
        conflict = {
            "who": _("另一位用户"),
            "when": f"{local(row.changed_at):%Y-%m-%d %H:%M}",
            "rows": differing,
            "version": row.version,
        }
        return self._form_page(row, actor, posted, contact=contact, conflict=conflict)

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
    ) -> Any:
        base = f"/{self.register.name}/{row.id}"
        household = households.get(row.household_id)
        files = [a for a in records.attachments_of(row) if str(a.id) not in removed]
        shown = Shown(
            typed=posted.typed,
            evaluation=records.evaluate(self.register, row, posted.values),
            attachments=files,
            problems=problems,
            upload_url=f"{base}/files/{{field}}",
            prior=self._prior(row, household),
            fillers=self._fillers(household),
        )
        contact = contact or Contact(actor.contact_name or actor.name, actor.contact_phone)
        wrong = {p.field: [p.message] for p in problems if p.field.startswith("contact_")}
        context = {
            "title": row.head_name,
            "subtitle": self.register.label,
            "state": record_pages.state_tag(row.state),
            "facts": record_pages.household_facts(household, whole=True),
            "steps": record_pages.steps(row.state),
            "notices": self._notices(row, records.history(row))
            if row.state == State.RETURNED
            else [],
            "sections": forms.sections(self.register, shown),
            "errors": forms.summary(self.register, problems),
            "rules": forms.rules_json(self.register),
            "today": today().isoformat(),
            "version": row.version if draft is None else draft.base_version,
            "action_url": f"{base}/edit",
            "draft_url": f"{base}/draft",
            "draft": draft and _draft_context(draft, base),
            "removed": list(removed),
            "actions": self._form_actions(row, actor),
            "links": [{"label": _("返回列表"), "url": self._menu_url(Capability.ENTER)}],
            "contact": {"name": contact.person, "phone": contact.phone, "errors": wrong},
            "conflict": conflict,
            "assign": self._assignment(household, base),
        }
        shell.at(self._menu_url(Capability.ENTER))
        shell.crumb(row.head_name)
        status = 422 if problems else (409 if conflict else 200)
        return self.render_template("anju/form.html", form=context), status

    def _form_actions(self, row: Any, actor: Actor) -> list[dict[str, Any]]:
        actions: list[dict[str, Any]] = [{"name": "save", "label": _("保存")}]
        step = self.register.flow.get("submit") if self.register.flow else None
        if step and policy.may(step.capability, self.register.name, row, actor=actor):
            label = _("保存并上报")
            actions.append({"name": "submit", "label": label, "primary": True, "complete": True})
        return actions

    def _prior(self, row: Any, household: Household) -> dict[str, dict[str, Any]]:
        """What the household's list says beside fields of the same name that say otherwise."""
        found = {}
        for name, made in self.register.fields.items():
            if name not in Household.__fields__ or row.state == State.MISSING:
                continue
            value = getattr(household, name)
            if not is_missing(value) and value != getattr(row, name):
                found[name] = {
                    "value": to_json(value),
                    "text": made.text(value),
                    "source": _("名单"),
                }
        return found

    def _fillers(self, household: Household) -> dict[str, list[dict[str, Any]]]:
        """同户主: a row of children filled in with the head."""
        head = {
            "name": household.head_name,
            "id_number": household.head_id or household.matching_id,
            "phone": household.phone,
        }
        return {
            name: [{"label": _("同户主"), "values": head}]
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

    # ---- drafts, files ------------------------------------------------------------------------
    @expose("/<uuid:record_id>/draft", methods=["POST"])
    def draft(self, record_id: uuid.UUID) -> Any:
        if (request.content_length or 0) > _MOST_DRAFT_BYTES:
            raise BadInput(_("草稿内容过大。"))
        body = request.get_json(silent=True)
        if not isinstance(body, dict):
            raise BadInput(_("草稿内容有误。"))
        typed = forms.clean_draft(self.register, body.get("values"))
        draft = records.keep_draft(self.register, record_id, _version(body.get("version")), typed)
        return jsonify(saved_at=f"{local(draft.saved_at):%H:%M}")

    @expose("/<uuid:record_id>/discard", methods=["POST"])
    def discard(self, record_id: uuid.UUID) -> Any:
        row = records.get(self.register, record_id)
        actor = policy.require(Capability.ENTER, self.register.name, row)
        records.drop_draft(actor, row.id)
        flash(_("草稿已放弃。"), "success")
        return redirect(f"/{self.register.name}/{row.id}/edit")

    @expose("/<uuid:record_id>/files/<string:field>", methods=["POST"])
    def upload(self, record_id: uuid.UUID, field: str) -> Any:
        file = request.files.get("file")
        if file is None:
            raise BadInput(_("没有收到文件，请重新选择。"))
        try:
            made = attachments.add(
                self.register, record_id, field, file.stream, file.filename or ""
            )
        except (BadInput, Conflict) as error:
            db.session.rollback()
            return jsonify(error=error.message), error.status
        return jsonify(forms.file_tile(made))

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

    @expose("/<uuid:record_id>/clear", methods=["POST"])
    def clear(self, record_id: uuid.UUID) -> Any:
        row = records.clear(self.register, record_id, _version(request.args.get("version")))
        flash(
            _(
                "%(name)s的%(what)s已删除。",
                name=row.head_name,
                what=translate(self.register.record_word),
            ),
            "success",
        )
        return redirect(self._menu_url(Capability.ENTER))

    @expose("/<uuid:record_id>/reveal", methods=["POST"])
    def reveal(self, record_id: uuid.UUID) -> Any:
        """The whole of a masked field, on a click that the audit log keeps."""
        row = records.get(self.register, record_id)
        policy.require(Capability.SEARCH, self.register.name, row)
        made = self.register.fields.get(request.args.get("field", ""))
        if made is None or not (made.masked or made.rows):
            raise NotFound(_("没有这个项目。"))
        detail = {"field": made.name}
        audit.record(db.session, Act.REVEAL, register=self.register.name, row=row, detail=detail)
        db.session.commit()
        text = record_pages.snapshot_text(made, to_json(getattr(row, made.name)))
        return self.render_template("anju/_revealed.html", text=text)

    # ---- steps ----------------------------------------------------------------------------------
    @expose("/<uuid:record_id>/step/<string:name>", methods=["POST"])
    def step(self, record_id: uuid.UUID, name: str) -> Any:
        """One step from the record's page: 上报, 撤回, 退回整改."""
        actor = _actor()
        contact = Contact(actor.contact_name or actor.name, actor.contact_phone)
        opinion = request.form.get("opinion", "")[:1000]
        try:
            row = records.transition(
                self.register, record_id, name, _version(request.form.get("version")), contact,
                opinion, self._reasons(name),
            )  # fmt: skip
        except Invalid as error:
            db.session.rollback()
            row = records.get(self.register, record_id)
            return self._record_page(row, actor, error.problems, opinion)
        except Conflict as error:
            db.session.rollback()
            flash(error.message, "danger")
            return redirect(f"/{self.register.name}/{record_id}")
        made = self.register.flow.get(name) if self.register.flow else None
        label = done_word(made.label_for(actor.level)) if made else ""
        flash(_("%(name)s：%(step)s完成。", name=row.head_name, step=label), "success")
        return redirect(f"/{self.register.name}/{row.id}")

    def _reasons(self, name: str) -> tuple[str, ...]:
        """The ticked reasons in Chinese, as the declaration has them, whatever the page's language."""
        step = self.register.flow.get(name) if self.register.flow else None
        ticked = set(request.form.getlist("reason"))
        return tuple(r for r in (step.reasons if step else ()) if {r, translate(r)} & ticked)

    @expose("/batch/<string:name>", methods=["POST"])
    def batch(self, name: str) -> Any:
        """The same step for the ticked records of a list; each stands for itself."""
        actor = _actor()
        ids = [i for i in map(_uuid, request.form.getlist("id")) if i is not None]
        if not ids:
            flash(_("请先勾选农户。"), "warning")
        if len(ids) > _MOST_AT_ONCE:
            raise BadInput(_("一次最多处理%(n)s户。", n=_MOST_AT_ONCE))
        contact = Contact(actor.contact_name or actor.name, actor.contact_phone)
        done, failed = 0, []
        for record_id in ids:
            try:
                records.transition(self.register, record_id, name, None, contact)
                done += 1
            except AnjuError as error:
                db.session.rollback()
                failed.append(error.message)
        if done:
            flash(_("已处理%(n)s户。", n=done), "success")
        if failed:
            flash(_("%(n)s户没有处理：%(why)s", n=len(failed), why=failed[0]), "warning")
        return redirect(_back_to(self._menu_url(Capability.REVIEW) + "?list=1"))

    # ---- review -----------------------------------------------------------------------------------
    @expose("/<uuid:record_id>/review")
    def review(self, record_id: uuid.UUID) -> Any:
        row = records.get(self.register, record_id)
        actor = policy.require(Capability.REVIEW, self.register.name, row)
        if row.state != State.SUBMITTED:
            flash(_("该档案现在是“%(state)s”。", state=row.state.label), "warning")
            return redirect(f"/{self.register.name}/{row.id}")
        return self._review_page(row, actor)

    def _review_page(
        self, row: Any, actor: Actor, problems: Sequence[Problem] = (), opinion: str = ""
    ) -> Any:
        context = review_pages.context(self.register, row, actor, _region_argument())
        context["record"] = self._record_context(row, actor, marked=True)
        context |= {
            "opinion": opinion,
            "chosen": [translate(r) for r in self._reasons("return")],
            "errors": {"opinion": [p.message for p in problems]} if problems else {},
        }
        shell.at(self._menu_url(Capability.REVIEW))
        shell.crumb(row.head_name)
        return self.render_template("anju/review.html", review=context), 422 if problems else 200

    @expose("/<uuid:record_id>/decide", methods=["POST"])
    def decide(self, record_id: uuid.UUID) -> Any:
        """审核通过 or 退回补正; the next one opens at once."""
        actor = _actor()
        name = request.form.get("action", "")
        if name not in ("approve", "return"):
            raise BadInput(_("没有这一操作。"))
        contact = Contact(
            request.form.get("contact_name", "").strip()[:64],
            request.form.get("contact_phone", "").strip()[:32],
        )
        opinion = request.form.get("opinion", "")[:1000] if name == "return" else ""
        row = records.get(self.register, record_id)
        following = review_pages.neighbour(self.register, row, actor, _region_argument())
        try:
            row = records.transition(
                self.register, record_id, name, _version(request.form.get("version")), contact,
                opinion, self._reasons(name),
            )  # fmt: skip
        except Invalid as error:
            db.session.rollback()
            return self._review_page(
                records.get(self.register, record_id), actor, error.problems, opinion
            )
        except Conflict as error:
            db.session.rollback()
            flash(error.message, "danger")
        else:
            review_pages.remember_reasons(self._reasons(name))
            session["decided"] = {
                "id": str(row.id),
                "register": self.register.name,
                "at": now().timestamp(),
            }
        region = _region_argument()
        tail = f"?region={region.id}" if region else ""
        if following is None:
            return redirect(self._menu_url(Capability.REVIEW) + (tail or "?list=1"))
        return redirect(f"/{self.register.name}/{following}/review{tail}")

    @expose("/<uuid:record_id>/undo", methods=["POST"])
    def undo(self, record_id: uuid.UUID) -> Any:
        """Take the last decision back, for some seconds."""
        session.pop("decided", None)
        try:
            row = records.take_back(self.register, record_id)
        except Conflict as error:
            db.session.rollback()
            flash(error.message, "warning")
            return redirect(f"/{self.register.name}/{record_id}")
        flash(_("已撤销对%(name)s的审核决定。", name=row.head_name), "success")
        return redirect(f"/{self.register.name}/{row.id}/review")


def view_of(register: Register) -> type[RegisterView]:
    """The view class of one register, with its own address and permission name."""
    body = {
        "register": register,
        "route_base": f"/{register.name}",
        "datamodel": SQLAInterface(register.model),
        "class_permission_name": register.name,
    }
    return type(f"{register.model.__name__}View", (RegisterView,), body)


def _draft_context(draft: Any, base: str) -> dict[str, Any]:
    return {
        "saved_at": f"{local(draft.saved_at):%H:%M}",
        "restored": True,
        "discard_url": f"{base}/discard",
    }


def _actor() -> Actor:
    actor = current_actor()
    if actor is None:
        raise Forbidden(_("请先登录。"))
    return actor


def _version(text: Any) -> int:
    if isinstance(text, int) or (
        isinstance(text, str) and text.isascii() and text.isdigit() and len(text) < 10
    ):
        return int(text)
    raise BadInput(_("页面已过期，请刷新后再操作。"))


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def _region_argument() -> Region | None:
    """The division that a review stays in."""
    text = request.args.get("region", "")
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        return None
    region = db.session.get(Region, int(text))
    actor = current_actor()
    inside = region is not None and actor is not None and region.path.startswith(actor.path)
    return region if inside else None


def _back_to(default: str) -> str:
    return shell.where_from(default)
