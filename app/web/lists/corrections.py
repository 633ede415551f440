"""批量更正 as pages: from a list to what its records say of a field, to what became of them."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from flask import request
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import permission_name
from sqlalchemy import select
from werkzeug.datastructures import MultiDict

from app.access import policy
from app.access.actor import Actor, Capability
from app.core.clock import now, to_minute
from app.core.db import db
from app.core.errors import BadInput, Invalid, NotFound
from app.core.i18n import _, translate
from app.kernel.corrections import correcting, fields
from app.kernel.corrections.correcting import ALL, Preview
from app.kernel.declare.field import Field
from app.kernel.declare.groups import Menu
from app.kernel.declare.register import Register
from app.kernel.kinds.choice import OneOf, SomeOf, YesNo
from app.kernel.kinds.date import Day
from app.kernel.kinds.kind import PerKind
from app.kernel.kinds.values import is_missing, to_json
from app.kernel.lists.asked import TooWide
from app.kernel.lists.query import parse
from app.kernel.rows.correction import (
    LONGEST_REASON,
    LONGEST_VALUE,
    CorrectedRow,
    Correction,
    Fate,
)
from app.kernel.settings import standing_rules
from app.web.exchange.jobs import job_details
from app.web.frame import shell
from app.web.frame.addresses import takes
from app.web.frame.clicks import once
from app.web.frame.listing import Paging, page_number
from app.web.lists import filters as ledger_filters
from app.web.lists import pages as ledger_pages
from app.web.register.shared import Routes, conditions

PAGE = 50
#: How a new value is asked for.
_INPUTS: PerKind[str] = PerKind(
    "text", {YesNo: "choice", OneOf: "choice", SomeOf: "several", Day: "date"}
)


@dataclass
class _Line:
    """An old value with what is typed for it."""

    old: Any
    text: str
    n: int
    new: Any = None
    clear: bool = False
    errors: list[str] = field(default_factory=list)

    @property
    def key(self) -> str:
        """The old value as the form has it."""
        return correcting.key_of(self.old)

    @property
    def given(self) -> bool:
        return self.clear or bool(self.new)

    @property
    def may_clear(self) -> bool:
        """What is empty cannot be emptied."""
        return not is_missing(self.old)


def _field_asked(_routes: Routes, **_path: Any) -> Iterator[str]:
    yield "field"


class CorrectionRoutes(Routes):
    """The routes of corrections of many records."""

    @classmethod
    def of(cls, register: Register) -> frozenset[str]:
        any_field = register.entered and bool(fields.offered(register))
        return super().of(register) if any_field else frozenset()

    # ---- the form -------------------------------------------------------------------------------
    @expose("/<string:name>/correct", methods=["GET", "POST"])
    @takes(conditions, _field_asked)
    @permission_name(Capability.ENTER)
    def correct(self, name: str) -> Any:
        """A field of what the list finds: its values, and what they shall become."""
        register = self.register
        actor = policy.require(Capability.ENTER, register.name)
        menu = self._menu(name)
        asked = self._asked()
        wanted, _notices = ledger_pages.asked(register, menu, actor, asked)
        made = self._field()
        try:
            found = correcting.ledger(register, wanted, actor)
            shown = correcting.preview(found, made) if made else None
        except TooWide as error:
            return self._form(menu, asked, actor, made, None, told=error.message)
        if made is None or shown is None or request.method == "GET":
            return self._form(menu, asked, actor, made, shown)
        lines = _typed(made, shown)
        try:
            with once() as click:
                row = correcting.start(
                    register, wanted, made.name, _pairs(lines),
                    subject=self._words(wanted, actor), reason=request.form.get("reason", ""),
                    seen_at=_seen(), keep="keep" in request.form,
                )  # fmt: skip
                click.leads_to(f"/{register.name}/corrections/{row.id}", _("已开始更正。"))
        except Invalid as error:
            errors: dict[str, list[str]] = {}
            for problem in error.problems:
                errors.setdefault(problem.field, []).append(problem.message)
            for line in lines:
                line.errors = errors.pop(f"new-{line.key}", [])
            return self._form(menu, asked, actor, made, shown, lines=lines, errors=errors)
        return click.answer()

    def _menu(self, name: str) -> Menu:
        menu = next((m for m in self.register.menus if m.name == name), None)
        if menu is None or menu.wide is not None or menu.hidden:
            raise NotFound(_("没有找到该页面。"))
        return menu

    def _asked(self) -> MultiDict[str, str]:
        """What the address says of the list's conditions."""
        known = {*conditions(self)}
        return MultiDict([(k, v) for k, v in request.args.items(multi=True) if v and k in known])

    def _field(self) -> Field | None:
        """The field that the address names.

        :raises BadInput: it may not be corrected in many records.
        """
        name = request.args.get("field")
        if not name:
            return None
        if name not in self.register.model.__fields__:
            raise BadInput(_("没有项目“%(name)s”。", name=name[:40]))
        if text := fields.why_not(self.register, name):
            raise BadInput(text)
        return self.register.fields[name]

    def _words(self, wanted: MultiDict[str, str], actor: Actor) -> str:
        """What the list asks for, numbers masked: others of the area read it, too."""
        query = parse(self.register, wanted, db.session, actor)
        known = self.register.model.__fields__
        words = []
        for name, label, value in ledger_filters.said(self.register, query, wanted):
            shown = known[name].mask(value) if name in known and known[name].masked else value
            words.append(_("%(label)s：%(value)s", label=label, value=shown))
        return _("；").join(words) or _("没有设条件，列表中的全部")

    def _form(
        self, menu: Menu, asked: MultiDict[str, str], actor: Actor, made: Field | None,
        shown: Preview | None, *, lines: list[_Line] | None = None,
        errors: Mapping[str, list[str]] | None = None, told: str = "",
    ) -> Any:  # fmt: skip
        register = self.register
        back = ledger_pages.address(register, menu, list(asked.items(multi=True)))
        page = {
            "title": _("批量更正"),
            "subtitle": self._words(asked, actor),
            "sections": [
                (translate(s.title), {n: self._choice(n) for n in s.fields})
                for s in register.sections
            ],
            "field": made.name if made else "",
            "label": translate(made.label) if made else "",
            "asked": list(asked.items(multi=True)),
            "told": told,
            "lines": [],
            "back_url": back,
            "log_url": f"/{register.name}/corrections",
            "action_url": request.full_path.rstrip("?"),
            "reason": request.form.get("reason", ""),
            "keep": "keep" in request.form,
            "may_keep": standing_rules.may_make(register, actor),
            "longest": LONGEST_REASON,
            "longest_value": LONGEST_VALUE,
            "errors": errors or {},
            "unit": translate(register.unit),
        }
        if made is not None and shown is not None:
            page |= _asking(made) | {
                "lines": lines or _lines(made, shown),
                "whole": f"{shown.whole:,}",
                "rest": f"{shown.rest:,}" if shown.rest else "",
                "seen": request.form.get("seen") or now().isoformat(),
            }
        shell.at(f"/{register.name}/{menu.name}")
        shell.crumb(_("批量更正"))
        status = 422 if errors is not None or told else 200
        return self.render_template("lists/correct.html", page=page), status

    def _choice(self, name: str) -> tuple[str, str]:
        """What a field is called, and why it cannot be chosen."""
        return translate(self.register.model.__fields__[name].label), fields.why_not(
            self.register, name
        )

    # ---- what became of them ----------------------------------------------------------------------
    @expose("/corrections")
    @permission_name(Capability.ENTER)
    def corrections(self) -> Any:
        """The corrections of the area, newest first."""
        number = page_number(request.args)
        query = correcting.listed(self.register).limit(PAGE + 1).offset((number - 1) * PAGE)
        rows = list(db.session.scalars(query))
        page = {
            "title": _("%(what)s的批量更正", what=self.register.label),
            "rows": [self._line(row) for row in rows[:PAGE]],
            "standing_url": f"/{self.register.name}/standing",
            "paging": Paging.by_number(
                request.args, request.path, number, more=len(rows) > PAGE, position_text=""
            ),
        }
        shell.crumb(_("批量更正"))
        return self.render_template("lists/corrections.html", page=page)

    def _line(self, row: Correction) -> dict[str, Any]:
        made = self.register.model.__fields__.get(row.field)
        return {
            "url": f"/{self.register.name}/corrections/{row.id}",
            "field": translate(made.label) if made else row.field,
            "pairs": [
                (correcting.said(made, old), correcting.said(made, new)) for old, new in row.pairs
            ]
            if made
            else [],
            "subject": row.subject,
            "reason": row.reason,
            "who": row.account_name,
            "when": to_minute(row.made_at),
            "undone": _(
                "%(who)s 于 %(when)s 撤销",
                who=row.undone_by,
                when=to_minute(row.undone_at),
            )
            if row.undone_at
            else "",
        }

    @expose("/corrections/<uuid:correction_id>")
    @permission_name(Capability.ENTER)
    def correction(self, correction_id: uuid.UUID) -> Any:
        """What became of the records of one."""
        row = correcting.get(self.register, correction_id)
        number = page_number(request.args)
        counted, running = correcting.counts(row), correcting.is_running(row)
        fate = Fate.STAYS if row.undone_at else Fate.SKIPPED
        left = correcting.left(row, fate, (number - 1) * PAGE, PAGE + 1)
        open_still = now() <= correcting.undone_until(row)
        line = self._line(row)
        page = line | {
            "title": _("批量更正：%(what)s", what=line["field"]),
            "counts": [(f.label, f"{n:,}") for f, n in sorted(counted.items(), key=_in_order)],
            "left": self._left(left[:PAGE]),
            "left_title": fate.label,
            "running": running,
            "job": self._job(row) if running else None,
            "undo_url": f"{request.path}/undo"
            if open_still and not running and counted.get(Fate.CHANGED)
            else "",
            "until": to_minute(correcting.undone_until(row)),
            "all_url": f"/{self.register.name}/corrections",
            "rules_url": f"/{self.register.name}/standing"
            if row.undone_at and standing_rules.outlive(row)
            else "",
            "paging": Paging.by_number(
                request.args, request.path, number, more=len(left) > PAGE, position_text=""
            ),
        }
        shell.crumb(_("批量更正"), f"/{self.register.name}/corrections")
        return self.render_template("lists/correction.html", page=page)

    def _job(self, row: Correction) -> dict[str, Any] | None:
        """The job as exchange/_job.html has it, for the account whose it is."""
        actor = policy.require(Capability.ENTER, self.register.name)
        job = correcting.job_of(row)
        return job_details(job) if job is not None and job.account_id == actor.account_id else None

    def _left(self, lines: list[CorrectedRow]) -> list[dict[str, str]]:
        """Each with its name, where it still lies in the area."""
        model = self.register.model
        name = getattr(model, self.register.name_field)
        keys = [line.record_id for line in lines]
        names = dict(db.session.execute(select(model.id, name).where(model.id.in_(keys))).all())
        return [
            {
                "name": names.get(line.record_id) or _("不在管辖范围内"),
                "url": f"/{self.register.name}/{line.record_id}" if line.record_id in names else "",
                "note": line.note or "",
            }
            for line in lines
        ]

    @expose("/corrections/<uuid:correction_id>/undo", methods=["POST"])
    @permission_name(Capability.ENTER)
    def undo_correction(self, correction_id: uuid.UUID) -> Any:
        with once() as click:
            row = correcting.begin_undo(self.register, correction_id)
            click.leads_to(f"/{self.register.name}/corrections/{row.id}", _("已开始撤销。"))
        return click.answer()


# ---- what is typed --------------------------------------------------------------------------------


def _lines(made: Field, shown: Preview) -> list[_Line]:
    """The line of all, then one for each old value."""
    lines = [_Line(ALL, _("全部"), shown.whole)]
    for value, n in shown.values:
        lines.append(_Line(to_json(value), made.text(value) or _("未填"), n))
    return lines


def _typed(made: Field, shown: Preview) -> list[_Line]:
    """The lines with what was posted: what was shown then counts, whatever is there by now."""
    lines = {line.key: line for line in _lines(made, shown)}
    found = []
    for n in range(correcting.MOST_VALUES + 1):
        key = request.form.get(f"old-{n}")
        if key is None:
            break
        line = lines.get(key) or _gone(made, key)
        given = [text for text in request.form.getlist(f"new-{n}") if text.strip()]
        line.new = given if made.kind.several else next(iter(given), "")[:LONGEST_VALUE]
        line.clear = f"clear-{n}" in request.form
        found.append(line)
    return found


def _gone(made: Field, key: str) -> _Line:
    """A value that nobody says any more."""
    try:
        old = json.loads(key[:LONGEST_VALUE])
    except ValueError:
        old = {}
    texts = old if isinstance(old, list) else [old]
    if old is not None and not all(isinstance(text, str) for text in texts):  # no form has it
        raise BadInput(_("页面已过期，请刷新后再操作。"))
    return _Line(old, correcting.said(made, old), 0)


def _pairs(lines: list[_Line]) -> list[tuple[Any, Any]]:
    """Old and new values of the lines that say one; a new one for all says it all."""
    text = _("填写新值和“清空”只能选一种。")
    if both := [correcting.problem_of(one.old, text) for one in lines if one.clear and one.new]:
        raise Invalid(text, both)
    given = [(line.old, None if line.clear else line.new) for line in lines if line.given]
    if len(given) > 1 and given[0][0] == ALL:
        text = _("“全部改为”和逐个原值的新值只能选一种。")
        raise Invalid(text, [correcting.problem_of(ALL, text)])
    return given


def _seen() -> dt.datetime:
    """When the page showed what records say."""
    seen: dt.datetime | None = None
    with suppress(ValueError):
        seen = dt.datetime.fromisoformat(request.form.get("seen", ""))
    if seen is None or seen.tzinfo is None or seen > now():
        raise BadInput(_("页面已过期，请刷新后再操作。"))
    return seen


def _asking(made: Field) -> dict[str, Any]:
    """How the new values are asked for."""
    how = _INPUTS[made.kind]
    options = made.options() if how in ("choice", "several") and made.source_list else {}
    if how == "choice" and not made.source_list:
        options = made.options() if made.named or made.since else {"yes": _("是"), "no": _("否")}
    unit = translate(made.unit or made.kind.widget.unit)
    return {"how": how, "options": options, "unit_of_value": unit}


_ORDER = [*Fate]


def _in_order(one: tuple[Fate, int]) -> int:
    return _ORDER.index(one[0])
