"""低收入群体对象管理: adding by ID number, leaving, coming back, the members of a household."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from typing import Any

from flask import flash, redirect, request
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import permission_name
from werkzeug.datastructures import MultiDict

from app.access import policy
from app.access.actor import Actor, Capability
from app.access.divisions import regions
from app.access.divisions.regions import Level
from app.core.clock import today
from app.core.db import db
from app.core.errors import Conflict, Invalid
from app.core.i18n import _, translate
from app.kernel.declare.register import Register
from app.kernel.declare.rules import Problem
from app.kernel.hooks import Beside
from app.kernel.kinds import formats
from app.kernel.lists.ledger import Ledger
from app.kernel.lists.query import parse
from app.kernel.records import save as records
from app.kernel.rows.household import Household
from app.kernel.rows.member import Member, members_of
from app.modules.low_income import finding, leaving
from app.modules.low_income import joining as objects
from app.modules.low_income.fields import Reason
from app.modules.low_income.finding import Found, Way
from app.modules.low_income.leaving import Leave
from app.web.frame import shell
from app.web.frame.addresses import takes
from app.web.frame.clicks import once, require_first
from app.web.register import parsing
from app.web.register import show as record_pages
from app.web.register.parsing import Place, Posted, Shown, parse_uuid, version
from app.web.register.shared import NEW, Routes, new_url

#: Methods of this part that are routes.
ROUTES = frozenset(
    {"add", "add_check", "leave", "restore", "delete", "member_back", "member_head", "member_mark"}
)
_HEADS = 20


class ObjectRoutes(Routes):
    """The routes of the list of low-income households."""

    # ---- adding -----------------------------------------------------------------------------
    @expose(NEW, methods=["GET", "POST"])
    @permission_name(Capability.ENTER)
    def add(self) -> Any:
        """新增低收入群体: first who and where, then what is known of them; see ``new/check``."""
        actor = policy.require(Capability.ENTER, self.register.name)
        if request.method == "GET":
            own = regions.get(actor.region_id)
            known = str(own.id) if own and own.level == Level.VILLAGE else ""
            return self._ask_page(parsing.parse(self.register, {}), known)
        posted, place = self._posted()
        if posted.problems:
            return self._add_page(posted, place, posted.problems)
        try:
            with once() as click:
                added = objects.add(place.key or 0, posted.values, request.form.get("key", ""))
                here = f"/{self.register.name}/{added.row.id}"
                asked = added.transfer and f"/transfers/{added.transfer.id}"
                click.leads_to(asked or here, _said(added, posted.values["head_name"]))
        except Invalid as error:
            return self._add_page(posted, place, error.problems)
        except objects.Changed as error:
            return self._add_page(posted, place, seen=None, changed=error.message)
        except Conflict as error:
            return self._add_page(posted, place, [Problem("head_id", "stays", error.message)])
        return click.answer()

    @expose(f"{NEW}/check", methods=["POST"])
    @permission_name(Capability.ENTER)
    def add_check(self) -> Any:
        """What the number is already; a look at a foreign one is logged, hence no GET."""
        policy.require(Capability.ENTER, self.register.name)
        posted, place = self._posted()
        name, number = (posted.values.get(n) or "" for n in ("head_name", "head_id"))
        wrong = [p for p in posted.problems if p.field in _WHO] or objects.person_problems(
            name, number
        )
        try:
            objects.village(place.key)
        except Invalid as error:
            wrong += error.problems
        if wrong:
            return self._ask_page(posted, place.text, wrong)
        return self._add_page(posted, place, seen=None)

    def _posted(self) -> tuple[Posted, Place]:
        text = request.form.get("region", "").strip()[:20]
        return parsing.read(self.register, request.form), Place(text, Level.VILLAGE)

    def _ask_page(self, posted: Posted, place: str, problems: Sequence[Problem] = ()) -> Any:
        """Name, number, village."""
        sections = self._sections(posted, Place(place, Level.VILLAGE), problems)[:1]
        asked = (*_WHO, "region")
        sections[0]["fields"] = [f for f in sections[0]["fields"] if f["name"] in asked]
        sections[0]["title"] = _("姓名、身份证号和所在村")
        actions = [{"name": "check", "label": _("新增"), "primary": True}]
        return self._page(sections, problems, f"{new_url(self.register)}/check", actions)

    def _add_page(
        self,
        posted: Posted,
        place: Place,
        problems: Sequence[Problem] = (),
        seen: str | None = "",
        changed: str = "",
    ) -> Any:
        """All that is known of them, and in red what was found. ``seen`` None: look again, and show
        what the list says of a household of the own area already.
        """
        notices = [{"tone": "warn", "text": changed}] if changed else []
        found = finding.find(posted.values.get("head_id") or "")
        key = request.form.get("key", "")
        if found is not None and place.key is not None:
            try:
                here = objects.village(place.key)
                text = finding.told(found, here, posted.values["head_id"])
                notices.append({"tone": "bad", "text": text})
                if seen is None:
                    posted = self._known(found, posted)
            except Invalid as error:
                problems = [*problems, *error.problems]
        if seen is None:
            key = found.key if found else ""
        sections = self._sections(posted, place, problems)
        actions = [{"name": "save", "label": _("保存"), "primary": True, "shortcut": "Ctrl+S"}]
        return self._page(
            sections, problems, new_url(self.register), actions, notices, key,
            conflict=bool(changed),
        )  # fmt: skip

    def _known(self, found: Found, posted: Posted) -> Posted:
        """With the answers that the list has, where the household lies in the own area."""
        if found.member is not None:
            return posted
        query = self.register.model.household_id == found.household_id
        row = db.session.query(self.register.model).filter(query).first()
        if row is None:
            return posted
        typed = parsing.typed_of(self.register, row)
        own = {n: text for n, text in posted.typed.items() if text}
        return parsing.parse(self.register, typed | own)

    def _sections(
        self, posted: Posted, place: Place, problems: Sequence[Problem]
    ) -> list[dict[str, Any]]:
        evaluation = self.register.rules.evaluate(posted.values)
        shown = Shown(typed=posted.typed, evaluation=evaluation, problems=problems, place=place)
        return parsing.sections(self.register, shown)

    def _page(
        self,
        sections: list[dict[str, Any]],
        problems: Sequence[Problem],
        url: str,
        actions: list[dict[str, Any]],
        notices: Sequence[dict[str, str]] = (),
        key: str = "",
        *,
        conflict: bool = False,
    ) -> Any:
        title = _("新增低收入群体")
        back = shell.list_url(self._menu_url(Capability.ENTER))
        context = {
            "title": title,
            "subtitle": self.register.label,
            "sections": sections,
            "notices": list(notices),
            "errors": parsing.summary(self.register, problems),
            "rules": parsing.rules_json(self.register, self.register.model()),
            "fixed": {},
            "today": today().isoformat(),
            "version": 1,
            "key": key,
            "action_url": url,
            "actions": actions,
            "links": [{"label": _("返回列表"), "url": back}],
        }
        shell.at(self._menu_url(Capability.ENTER))
        shell.crumb(title)
        status = 422 if problems else 409 if conflict else 200
        return self.render_template("register/form.html", form=context), status

    # ---- leaving and coming back ----------------------------------------------------------------
    @expose("/<uuid:record_id>/leave", methods=["GET", "POST"])
    @permission_name(Capability.ENTER)
    def leave(self, record_id: uuid.UUID) -> Any:
        row = records.get(self.register, record_id)
        policy.require(Capability.ENTER, self.register.name, row)
        if not row.low_income:
            require_first()
            flash(_("该户已退出，请在“退出对象台账”中查看。"), "warning")
            return redirect(f"/{self.register.name}/{row.id}")
        if request.method == "GET" or request.form.get("intent") == "search":
            return self._leave_page(row)
        form = request.form
        reason = form.get("reason", "")
        asked = Leave(
            reason=Reason(reason) if reason in list(Reason) else None,
            note=form.get("note", ""),
            head=parse_uuid(form.get("head", "")),
            relation=_relation(form.get("relation", "")),
            shown=parse_uuid(form.get("shown", "")),
        )
        name = row.head_name
        try:
            with once() as click:
                row = leaving.leave(record_id, asked)
                if row.low_income:
                    text = _("列表改为显示家庭成员%(name)s。", name=row.head_name)
                else:
                    text = _("%(name)s已退出，可在“退出对象台账”中恢复。", name=name)
                click.leads_to(shell.list_url(self._menu_url(Capability.ENTER)), text)
        except Invalid as error:
            return self._leave_page(records.get(self.register, record_id), error.problems)
        except Conflict as error:
            problem = Problem("reason", "stays", error.message)
            return self._leave_page(records.get(self.register, record_id), [problem])
        return click.answer()

    def _leave_page(self, row: Any, problems: Sequence[Problem] = ()) -> Any:
        errors: dict[str, list[str]] = {}
        for problem in problems:
            errors.setdefault(problem.field, []).append(problem.message)
        members = members_of(db.session(), row.household_id)
        form = request.form
        asked = form.get("head_name", "").strip()[:64]
        relation = Member.__fields__["relation"]
        context = {
            "title": row.head_name,
            "facts": _facts(self.register, row),
            "reasons": [{"code": r.value, "text": r.label} for r in Reason],
            "typed": {n: form.get(n, "") for n in ("reason", "note", "head", "relation", "shown")},
            "asked": asked,
            "heads": self._heads(row, asked) if asked else None,
            "relations": relation.options().items(),
            "members": [{"id": str(m.id), "name": m.name} for m in members if m.low_income],
            "errors": errors,
            "action_url": f"/{self.register.name}/{row.id}/leave",
            "back_url": f"/{self.register.name}/{row.id}",
        }
        shell.at(self._menu_url(Capability.ENTER))
        shell.crumb(_("退出"))
        page = self.render_template("low_income/object_leave.html", page=context)
        return page, 422 if problems else 200

    def _heads(self, row: Any, name: str) -> list[dict[str, str]]:
        """Heads of the list whose name begins so, in the account's area."""
        actor = policy.require(Capability.ENTER, self.register.name)
        query = parse(self.register, MultiDict({"head_name": name}), db.session(), actor)
        page = Ledger(self.register, query, db.session(), actor).page(_HEADS)
        made = self.register.model.__fields__["head_id"]
        return [
            {
                "id": str(found.id),
                "name": found.head_name,
                "number": made.mask(found.head_id),
                "place": found.region_full_name,
            }
            for found in page.rows
            if found.id != row.id
        ]

    @expose("/<uuid:record_id>/restore", methods=["POST"])
    @permission_name(Capability.ENTER)
    def restore(self, record_id: uuid.UUID) -> Any:
        return self._do(record_id, leaving.restore, _("已恢复到“对象信息维护”。"))

    @expose("/<uuid:record_id>/delete", methods=["POST"])
    @takes("version")
    @permission_name(Capability.ENTER)
    def delete(self, record_id: uuid.UUID) -> Any:
        row = records.get(self.register, record_id)
        try:
            with once() as click:
                leaving.delete(row.id, version(request.args.get("version")))
                click.leads_to(f"/{self.register.name}/added", _("已删除。"))
        except Conflict as error:
            flash(error.message, "danger")
            return redirect(f"/{self.register.name}/{record_id}")
        return click.answer()

    # ---- members ----------------------------------------------------------------------------
    @expose("/<uuid:record_id>/members/<uuid:member_id>/restore", methods=["POST"])
    @permission_name(Capability.ENTER)
    def member_back(self, record_id: uuid.UUID, member_id: uuid.UUID) -> Any:
        def act(row_id: uuid.UUID) -> Any:
            return leaving.restore_member(row_id, member_id)

        return self._do(record_id, act, _("家庭成员已恢复到“对象信息维护”。"))

    @expose("/<uuid:record_id>/members/<uuid:member_id>/head", methods=["POST"])
    @permission_name(Capability.ENTER)
    def member_head(self, record_id: uuid.UUID, member_id: uuid.UUID) -> Any:
        def act(row_id: uuid.UUID) -> Any:
            return leaving.change_head(row_id, member_id)

        return self._do(record_id, act, _("户主已更换，原户主成为家庭成员。"))

    @expose("/<uuid:record_id>/members/<uuid:member_id>/mark", methods=["POST"])
    @takes("low_income")
    @permission_name(Capability.ENTER)
    def member_mark(self, record_id: uuid.UUID, member_id: uuid.UUID) -> Any:
        low = request.args.get("low_income") == "yes"

        def act(row_id: uuid.UUID) -> Any:
            return leaving.mark_member(row_id, member_id, low_income=low)

        return self._do(record_id, act, _("家庭成员已维护。"))

    def _do(self, record_id: uuid.UUID, act: Callable[[uuid.UUID], Any], done: str) -> Any:
        try:
            with once() as click:
                row = act(record_id)
                text = f"{row.head_name}{_('：')}{done}"
                click.leads_to(f"/{self.register.name}/{row.id}", text)
        except Conflict as error:
            flash(error.message, "danger")
            return redirect(f"/{self.register.name}/{record_id}")
        return click.answer()


# ---- a row's page ------------------------------------------------------------------------------


def _facts(register: Register, row: Any) -> list[dict[str, Any]]:
    facts = []
    for name in ("origin", "upkeep", "added_on", "left_on", "left_reason", "left_note"):
        made = register.model.__fields__[name]
        if text := made.text(getattr(row, name)):
            facts.append({"label": translate(made.label), "text": text})
    if not row.head_low_income:
        household = db.session.get(Household, row.household_id)
        text = _("%(name)s（不是低收入群体）", name=household.head_name if household else "")
        facts.insert(0, {"label": _("户主"), "text": text})
    return facts


def beside(register: Register, row: Any, actor: Actor) -> Beside:
    """What a row's page shows besides: facts, members, and what may be done now."""
    enters = policy.may(Capability.ENTER, register.name, row, actor=actor)
    base = f"/{register.name}/{row.id}"
    whole = record_pages.sees_all(register, row, actor)
    members = members_of(db.session(), row.household_id)
    shown = {
        "object_facts": _facts(register, row),
        "members": [_member(m, base, whole=whole, acts=enters and row.low_income) for m in members],
    }
    return Beside(actions=_actions(row, base) if enters else [], shown=shown)


_WHO = ("head_name", "head_id")


def _relation(text: str) -> str | None:
    made = Member.__fields__["relation"]
    return text if text in made.options() else None


def _said(added: objects.Added, name: str) -> str:
    if added.way == Way.FAR:
        return _("%(name)s的迁移申请已提交，两县同意后调整到本村。", name=name)
    if added.way == Way.NEAR:
        return _("%(name)s已调整到本村，双方都会收到通知。", name=name)
    return _("%(name)s已列入低收入群体名单。", name=name)


def _actions(row: Any, base: str) -> list[dict[str, Any]]:
    if not row.low_income:
        if row.left_on is None:
            return []
        question = _("%(name)s将回到“对象信息维护”。", name=row.head_name)
        label = _("恢复")
        return [
            {"label": label, "url": f"{base}/restore", "post": True, "confirm": question,
             "primary": True}
        ]  # fmt: skip
    found: list[dict[str, Any]] = [{"label": _("退出"), "url": f"{base}/leave", "danger": True}]
    if row.added_on is not None:
        question = _(
            "将从名单中删除%(name)s；已有监测记录的不能删除，只能退出。", name=row.head_name
        )
        found.append(
            {"label": _("删除"), "url": f"{base}/delete?version={row.version}", "post": True, "danger": True,
             "confirm": question, "icon": "trash"}
        )  # fmt: skip
    return found


def _member(member: Member, base: str, *, whole: bool, acts: bool) -> dict[str, Any]:
    url = f"{base}/members/{member.id}"
    known = Member.__fields__
    number = member.id_number or ""
    actions = []
    if acts:
        back = _("%(name)s将作为单独一户回到“对象信息维护”。", name=member.name)
        head = _("%(name)s将成为户主，现户主成为家庭成员；已有的记录仍归本户。", name=member.name)
        actions = [
            {"label": _("恢复"), "url": f"{url}/restore", "post": True, "confirm": back},
            {"label": _("换户主"), "url": f"{url}/head", "post": True, "confirm": head},
        ]
        if member.low_income and not member.shown:
            actions.append(
                {"label": _("非低收入群体"), "url": f"{url}/mark?low_income=no", "post": True}
            )
        elif not member.low_income:
            actions.append(
                {"label": _("低收入群体"), "url": f"{url}/mark?low_income=yes", "post": True}
            )
    return {
        "name": member.name,
        "number": number if whole else formats.mask_id(number),
        "relation": known["relation"].text(member.relation),
        "low_income": member.low_income,
        "shown": member.shown,
        "actions": actions,
    }
