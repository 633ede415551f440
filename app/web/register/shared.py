"""What the pages of a register share: the record as a page shows it, and what a request says."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from flask import request
from sqlalchemy import select

from app.access.actor import Actor, Capability
from app.access.divisions.regions import Region
from app.access.scope import current_actor
from app.core.clock import local
from app.core.db import db
from app.core.errors import BadInput, Forbidden
from app.core.i18n import _, done_word, translate
from app.kernel.declare.flow import SENT_BACK, State
from app.kernel.declare.register import Register
from app.kernel.declare.rules import Problem
from app.kernel.lists.columns import REGION_LABEL
from app.kernel.records import history, history_words, references, renewals
from app.kernel.records import save as records
from app.kernel.records.history import Contact
from app.kernel.rows.record import Standing
from app.web.frame import shell, view_log
from app.web.register import findings
from app.web.register import show as record_pages
from app.web.register import stages as stage_pages


@dataclass(frozen=True)
class Said:
    """What a person said with a step: who they are, why; and what was wrong with it."""

    contact: Contact
    opinion: str = ""
    reasons: tuple[str, ...] = ()
    problems: Sequence[Problem] = ()

    @property
    def context(self) -> dict[str, Any]:
        """As the templates of record and review show it; ``errors`` by the name of the input."""
        errors: dict[str, list[str]] = {}
        for problem in self.problems:
            errors.setdefault(problem.field, []).append(problem.message)
        return {
            "opinion": self.opinion,
            "chosen": [translate(r) for r in self.reasons],
            "contact": {"name": self.contact.person, "phone": self.contact.phone},
            "errors": errors,
        }


class RegisterPages:
    """Base of the parts of :class:`app.web.register_view.RegisterView`."""

    register: Register
    render_template: Callable[..., Any]

    def _record_context(self, row: Any, actor: Actor, *, marked: bool = False) -> dict[str, Any]:
        files = records.attachments_of(row)
        entries = history.of(row)
        whole = record_pages.sees_all(self.register, row, actor)
        if whole:
            view_log.note(self.register.name, row)
        earlier = renewals.approved_entry(self.register, row)
        before, after = record_pages.last_submissions(entries, earlier)
        household = record_pages.household_of(row)
        known = record_pages.earlier(self.register, row) if household else []
        evaluation = records.evaluate(self.register, row, files=files)
        changes = (
            history_words.changes(self.register, before, after, whole=whole)
            if marked and before is not None and after is not None
            else []
        )
        sections = (
            record_pages.sections(
                self.register,
                row,
                evaluation,
                files,
                whole=whole,
                before=before if marked else None,
                now=after,
                known=record_pages.priors(row, known),
            )
            if row.state != State.MISSING
            else []
        )
        return {
            "id": str(row.id),
            "title": self.register.named(row),
            "subtitle": self.register.label,
            "state": record_pages.state_of(self.register, row),
            "facts": [
                *record_pages.facts(self.register, row, household, whole=whole),
                *record_pages.kept_facts(self.register, row),
            ],
            "source": stage_pages.source(self.register, row, actor),
            **stage_pages.lines(self.register, row),
            "notices": [
                *record_pages.warnings(self.register, row),
                *(self._notices(row, entries) if self.register.flow else []),
                *record_pages.known_notices(known),
            ],
            "sections": sections + list(_naming(self.register, row, actor)),
            "changes": changes,
            "findings": findings.of(
                self.register, row, household, evaluation, entries, changes, sections
            )
            if marked and household is not None
            else [],
            "history": record_pages.history(self.register, entries, whole=whole, earlier=earlier),
            "version": row.version,
        }

    def _notices(self, row: Any, entries: Sequence[Any]) -> list[dict[str, str]]:
        if records.asks_to_move(self.register, row):
            return [
                {
                    "tone": "info",
                    "text": _(
                        "该户的迁户申请正在审批。批准以前，该户仍在这里统计；撤回申请后可以修改。"
                    ),
                }
            ]
        if row.standing == Standing.PENDING and row.state == State.SUBMITTED:
            text = _("该户由主户分出，主户审核通过后才能审核。")
            return [{"tone": "warn", "text": text}]
        if row.superseded:
            text = _(
                "该户已有更新的%(what)s，这一份作为历史留存。",
                what=translate(self.register.record_word),
            )
            return [{"tone": "info", "text": text}]
        if row.state == State.MISSING:
            return [
                {
                    "tone": "info",
                    "text": _(
                        "该户还没有录入%(what)s。", what=translate(self.register.record_word)
                    ),
                }
            ]
        last = next((e for e in reversed(entries) if e.target in SENT_BACK), None)
        if last is not None and row.state in (*SENT_BACK, State.CHECKING, State.SUBMITTED):
            text = _(
                "%(who)s 于 %(when)s %(step)s：%(opinion)s",
                who=last.person or last.account_name,
                when=f"{local(last.at):%Y-%m-%d %H:%M}",
                step=done_word(last.label),
                opinion=history_words.opinion(last) or _("没有填写意见"),
            )
            return [{"tone": "warn" if row.state in SENT_BACK else "info", "text": text}]
        return []

    def _menu_url(self, capability: Capability) -> str:
        found = (m.name for m in self.register.menus if capability in (m.capability, m.also))
        return f"/{self.register.name}/{next(found, '')}"

    def _said(self, name: str, actor: Actor) -> Said:
        """What was posted with the step ``name``; a page that does not ask who means the last one."""
        return Said(contact_of(actor), request.form.get("opinion", "").strip(), self._reasons(name))

    def _reasons(self, name: str) -> tuple[str, ...]:
        """The ticked reasons in Chinese, as the declaration has them, whatever the page's language."""
        step = self.register.flow.get(name) if self.register.flow else None
        ticked = set(request.form.getlist("reason"))
        return tuple(r for r in (step.reasons if step else ()) if {r, translate(r)} & ticked)


def _naming(register: Register, row: Any, actor: Actor) -> Iterator[dict[str, Any]]:
    """Sections of the records whose forms name this one: a craftsman's dossiers (spec 05)."""
    for other, rows in references.naming(register, row):
        if not actor.has(Capability.SEARCH, other.name):
            continue
        fields = [other.model.__fields__[n] for n in other.named_with.split()]
        places = select(Region.id, Region.full_name).where(
            Region.id.in_({one.region_id for one in rows})
        )
        known = dict(db.session.execute(places).all())
        cells = [
            [other.named(one), known.get(one.region_id, "")]
            + [made.text(getattr(one, made.name), one.said_at) for made in fields]
            for one in rows
        ]
        name = other.model.__fields__[other.name_field]
        heads = [name.label, REGION_LABEL, *(made.label for made in fields)]
        table = {"heads": [translate(head) for head in heads], "rows": cells}
        shown: dict[str, Any] = {"table": table, "wide": True} if rows else {"text": ""}
        field = shown | {"name": f"of-{other.name}", "label": _("共 %(n)s 条", n=len(rows))}
        yield {"name": f"of-{other.name}", "title": other.label, "fields": [field]}


def acting() -> Actor:
    actor = current_actor()
    if actor is None:
        raise Forbidden(_("请先登录。"))
    return actor


def contact_of(actor: Actor) -> Contact:
    """The person behind the account: as posted, else the one of the last time (spec 00)."""
    known = {"contact_name": actor.contact_name or actor.name, "contact_phone": actor.contact_phone}
    name, phone = (request.form.get(key, text).strip() for key, text in known.items())
    return Contact(name, phone)


def version(text: Any) -> int:
    """The version of the record that the user saw.

    :raises BadInput: there is none.
    """
    digits = str(text)
    if not isinstance(text, bool) and digits.isascii() and digits.isdigit() and len(digits) < 10:
        return int(digits)
    raise BadInput(_("页面已过期，请刷新后再操作。"))


def parse_uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def back_to(default: str) -> str:
    return shell.where_from(default)
