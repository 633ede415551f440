"""新增: the form of a record that there is not yet, in registers whose records users make.

The form is opened with the key that its record will have. So what is typed can be kept under it, and
a form that is sent twice is one record. Files come after the first save: they need an owner.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from typing import Any

from flask import flash, jsonify, redirect, request
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import permission_name

from app.access import policy
from app.access.actor import Actor, Capability
from app.access.divisions import regions
from app.core.clock import local, today, uuid7
from app.core.db import db
from app.core.errors import AnjuError, BadInput, Invalid, NotFound, TryAgain
from app.core.i18n import _, translate
from app.core.transactions import transaction, tried
from app.kernel.declare.register import Register
from app.kernel.declare.rules import Problem
from app.kernel.kinds.values import is_missing
from app.kernel.records import creations, drafts, habits, places
from app.kernel.records import save as records
from app.web.frame import shell
from app.web.frame.addresses import takes
from app.web.frame.clicks import Click, once
from app.web.register import form_parts, parsing
from app.web.register.drafts import restored, sent
from app.web.register.form import FormRoutes
from app.web.register.form_page import links
from app.web.register.parsing import Posted, Shown, contact_of, parse_uuid
from app.web.register.shared import NEW, Routes, new_url


class NewRoutes(Routes):
    """The routes of the form of a new record; once it is saved, its own form goes on."""

    def __init__(self, register: Register, offered: Collection[str] = ()) -> None:
        super().__init__(register, offered)
        self._form = FormRoutes(register, offered)

    @classmethod
    def of(cls, register: Register) -> frozenset[str]:
        return super().of(register) if register.creates is not None else frozenset()

    @expose(NEW, methods=["GET", "POST"])
    @permission_name(Capability.ENTER)
    def new(self) -> Any:
        actor = self._maker()
        if request.method == "POST":
            return self._create(actor)
        draft = drafts.unsaved(actor, self.register)
        row = creations.blank(self.register, draft.record_id if draft else uuid7())
        own = regions.get(actor.region_id)
        if own is not None and self.register.creates and own.level >= self.register.creates.level:
            row.region_id = own.id
        typed = parsing.typed_of(self.register, row)
        last = habits.fields(actor, self.register)
        carried = {n: _("按上次填写带出") for n in typed if is_missing(typed[n]) and n in last}
        typed |= {n: last[n] for n in carried}
        if draft is not None:
            row.region_id = _key(draft.values.get(places.FIELD)) or row.region_id
            typed, carried = parsing.laid_over(typed, carried, draft)
        posted = parsing.parse(self.register, typed)
        return self._new_page(row, posted, draft=draft, carried=carried)

    def _maker(self) -> Actor:
        if self.register.creates is None:
            raise NotFound(_("没有找到该页面。"))
        return policy.require(Capability.ENTER, self.register.name)

    def _create(self, actor: Actor) -> Any:
        key = parse_uuid(request.form.get("key", ""))
        if key is None:
            raise BadInput(_("页面已过期，请刷新后再操作。"))
        if db.session.get(self.register.model, key) is not None:
            return self._form.save(
                records.get(self.register, key), actor
            )  # sent twice, or gone back to
        posted = parsing.read(self.register, request.form)
        row = creations.blank(self.register, key)
        place = self._form.place(row)
        contact = contact_of(actor)

        def make() -> tuple[Click, Any, AnjuError | None]:
            region_id = place.key if place else None
            with once() as click:
                made = creations.create(
                    self.register, key, region_id, posted.values, posted.problems
                )
                stays = request.form.get("intent") not in ("next", "submit")
                if self.register.file_fields and stays:
                    click.says(_("现在可以上传照片和文件。"), "info")
                return click, made, self._form.besides(click, made, actor, posted, contact)

        try:
            click, row, refused = tried(make)
        except Invalid as error:
            blank = creations.blank(self.register, key)
            return self._new_page(blank, posted, problems=error.problems)
        except TryAgain as error:
            flash(error.message, "warning")
            return self._new_page(creations.blank(self.register, key), posted)
        return self._form.answer(click, row, actor, posted, contact, refused)

    def _new_page(
        self,
        row: Any,
        posted: Posted,
        *,
        problems: Sequence[Problem] = (),
        draft: Any = None,
        carried: dict[str, str] | None = None,
    ) -> Any:
        register = self.register
        base = new_url(register)
        title = _("新增%(what)s", what=translate(register.record_word))
        evaluation = records.evaluate(register, row, posted.values, ())
        shown = Shown(
            typed=posted.typed,
            evaluation=evaluation,
            problems=problems,
            carried=carried or {},
            place=self._form.place(row),
        )
        sections = parsing.sections(register, shown)
        for section in sections:
            for field in section["fields"]:
                if field["name"] in register.file_fields:
                    field |= {"readonly": True, "help": _("保存后可以上传。")}
        context = {
            "title": title,
            "subtitle": register.label,
            "sections": sections,
            "errors": parsing.summary(register, problems),
            "judged": form_parts.judged(register, problems),
            "rules": parsing.rules_json(register, row),
            "today": today().isoformat(),
            "version": 0,
            "key": str(row.id),
            "fixed": records.facts_json(register, row, evaluation),
            "action_url": base,
            "draft_url": f"{base}/draft?key={row.id}",
            "draft": draft and restored(draft, f"{base}/discard?key={row.id}"),
            "touched": self._touched(draft),
            "actions": [
                {"name": "save", "label": _("保存"), "shortcut": "Ctrl+S", "primary": True},
                {"name": "next", "label": _("录入下一个")},
            ],
            "links": links(register),
        }
        shell.at(self._menu_url(Capability.ENTER))
        shell.crumb(title)
        return self.render_template("register/form.html", form=context), 422 if problems else 200

    def _touched(self, draft: Any) -> Any:
        """What this person typed, as its script takes it on."""
        if request.method == "POST":
            return form_parts.touched(self.register, request.form)
        return sorted(draft.values) if draft else []

    @expose(f"{NEW}/draft", methods=["POST"])
    @takes("key")
    @permission_name(Capability.ENTER)
    def new_draft(self) -> Any:
        """Keep what is typed of a record that is not saved yet."""
        self._maker()
        key, body = self._asked_key(), sent()
        values = parsing.clean_draft(self.register, body.get("values"))
        raw = body.get("values")
        place = raw.get(places.FIELD) if isinstance(raw, dict) else None
        if isinstance(place, str) and _key(place) is not None:
            values[places.FIELD] = place
        with transaction():
            moment = drafts.keep_new(self.register, key, values)
        return jsonify(saved_at=f"{local(moment):%H:%M}")

    @expose(f"{NEW}/discard", methods=["POST"])
    @takes("key")
    @permission_name(Capability.ENTER)
    def new_discard(self) -> Any:
        """Forget what was typed of a record that was not saved."""
        maker, key = self._maker(), self._asked_key()
        with transaction():
            records.forget_draft(maker, key)
        flash(_("草稿已放弃。"), "success")
        return redirect(new_url(self.register))

    def _asked_key(self) -> uuid.UUID:
        key = parse_uuid(request.args.get("key", ""))
        if key is None:
            raise BadInput(_("页面已过期，请刷新后再操作。"))
        return key


def _key(text: Any) -> int | None:
    return parsing.Place(str(text or ""), regions.Level.VILLAGE).key
