"""One record as its pages show it: what is said of it, worked out when it is first asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import select

from app.access import policy
from app.access.actor import Actor, Capability
from app.access.divisions.regions import Region
from app.access.scope import is_hidden
from app.core.clock import to_minute
from app.core.db import db
from app.core.i18n import _, done_word, translate
from app.core.lazy import lazy
from app.kernel import hooks
from app.kernel.declare import stages
from app.kernel.declare.flow import SENT_BACK, State
from app.kernel.declare.register import Register
from app.kernel.declare.rules import Evaluation
from app.kernel.hooks import Beside, Earlier
from app.kernel.lists.columns import REGION_LABEL
from app.kernel.records import continuing, history, history_words, references, renewals
from app.kernel.records import save as records
from app.kernel.rows.file import Attachment
from app.kernel.rows.household import Household
from app.kernel.rows.record import HistoryEntry, Standing
from app.web.frame import view_log
from app.web.register import findings, show
from app.web.register import stages as stages_shown


class RecordPage:
    """One record to one account. Its page, its form and its review derive from this class: each asks
    for the parts that it shows, and what nobody asks for costs nothing.
    """

    def __init__(self, register: Register, row: Any, actor: Actor) -> None:
        self.register, self.row, self.actor = register, row, actor

    @property
    def url(self) -> str:
        return f"/{self.register.name}/{self.row.id}"

    # ---- what the parts are made of -------------------------------------------------------------
    @lazy
    def household(self) -> Household | None:
        """Whom the record is about, if it is about a household."""
        return show.household_of(self.register, self.row)

    @lazy
    def files(self) -> list[Attachment]:
        """Its files in order."""
        return records.attachments_of(self.row)

    @lazy
    def entries(self) -> list[HistoryEntry]:
        """Its steps, the oldest first."""
        return history.of(self.row)

    @lazy
    def entry_before(self) -> HistoryEntry | None:
        """What the record before it said when it was approved."""
        return renewals.approved_entry(self.register, self.row)

    @lazy
    def whole(self) -> bool:
        """Does the account see numbers in full?"""
        return show.sees_all(self.register, self.row, self.actor)

    @lazy
    def locked(self) -> frozenset[str]:
        """The fields that stand in no input any more."""
        return stages.locked(self.register, self.row)

    @lazy
    def evaluation(self) -> Evaluation:
        """The rules over what it says."""
        return records.evaluate(self.register, self.row, files=self.files)

    @lazy
    def known(self) -> list[Earlier]:
        """What was known before it was entered (初判)."""
        return show.earlier(self.register, self.row) if self.household else []

    @lazy
    def beside(self) -> list[Beside]:
        """What modules have to say on its page."""
        return hooks.record_parts(self.register, self.row, self.actor)

    # ---- the parts, as templates read them ------------------------------------------------------
    @lazy
    def facts(self) -> list[dict[str, Any]]:
        """Whom it is about, and what the kernel keeps of it."""
        of_household = show.facts(self.register, self.row, self.household, whole=self.whole)
        return [*of_household, *show.kept_facts(self.register, self.row)]

    @lazy
    def source(self) -> dict[str, Any] | None:
        """The record that it goes on from, read-only; None where there is none, or the account may
        not read it.
        """
        found = continuing.source_of(self.register, self.row)
        if found is None:
            return None
        register, row = found
        if not policy.may(Capability.SEARCH, register.name, row, actor=self.actor):
            return None
        page = RecordPage(register, row, self.actor)
        sections = show.sections(register, row, page.evaluation, page.files, whole=page.whole)
        for section in sections:
            section["name"] = f"source-{section['name']}"
            for shown in section["fields"]:
                shown["name"] = f"source-{shown['name']}"
        return {
            "title": _("%(what)s（只读）", what=translate(register.record_word)),
            "state": show.state_of(register, row),
            "url": page.url,
            "sections": sections,
        }

    @lazy
    def lines(self) -> dict[str, list[dict[str, str]]]:
        """The lines of steps on top: over the registers to which it belongs, and its own."""
        return stages_shown.lines(self.register, self.row)

    @lazy
    def notices(self) -> list[dict[str, str]]:
        """What its readers are told first."""
        return [
            *self.hidden,
            *show.warnings(self.register, self.row),
            *(self.standing if self.register.flow else []),
            *show.known_notices(self.known),
            *self.doubts,
        ]

    @property
    def hidden(self) -> list[dict[str, str]]:
        """Who deleted it, when and why."""
        if not is_hidden(self.row):
            return []
        said = {"who": self.row.hidden_by, "day": self.row.hidden_on, "why": self.row.hidden_why}
        return show.told([("warn", _("%(who)s 于 %(day)s 删除：%(why)s", **said))])

    @property
    def doubts(self) -> list[dict[str, str]]:
        """What the register's checks say of what was saved; none before it is entered."""
        if self.row.state == State.MISSING:
            return []
        return findings.notices(self.register, self.row, self.evaluation)

    @property
    def standing(self) -> list[dict[str, str]]:
        """Where it stands in its flow, if that is to be told; one notice at most."""
        row = self.row
        if records.asks_to_move(self.register, row):
            text = _("该户的迁户申请正在审批。批准以前，该户仍在这里统计；撤回申请后可以修改。")
            return show.told([("info", text)])
        if row.standing == Standing.PENDING and row.state == State.SUBMITTED:
            return show.told([("warn", _("该户由主户分出，主户审核通过后才能审核。"))])
        what = translate(self.register.record_word)
        if row.superseded:
            text = _("该户已有更新的%(what)s，这一份作为历史留存。", what=what)
            return show.told([("info", text)])
        if row.state == State.MISSING:
            return show.told([("info", _("该户还没有录入%(what)s。", what=what))])
        return self._sent_back()

    def _sent_back(self) -> list[dict[str, str]]:
        """Who sent it back, and why, until it is approved."""
        last = next((e for e in reversed(self.entries) if e.target in SENT_BACK), None)
        if last is None or self.row.state not in (*SENT_BACK, State.CHECKING, State.SUBMITTED):
            return []
        text = _(
            "%(who)s 于 %(when)s %(step)s：%(opinion)s",
            who=last.person or last.account_name,
            when=to_minute(last.at),
            step=done_word(last.label),
            opinion=history_words.opinion(last) or _("没有填写意见"),
        )
        return show.told([("warn" if self.row.state in SENT_BACK else "info", text)])

    @lazy
    def compared(self) -> tuple[HistoryEntry | None, HistoryEntry | None]:
        """Two submissions of which the sections mark what differs."""
        return None, None

    @lazy
    def said(self) -> list[dict[str, Any]]:
        """The sections of what it says; none before it is entered."""
        if self.row.state == State.MISSING:
            return []
        before, now = self.compared
        return show.sections(
            self.register, self.row, self.evaluation, self.files, whole=self.whole,
            before=before, now=now, known=show.priors(self.row, self.known),
        )  # fmt: skip

    @lazy
    def sections(self) -> list[dict[str, Any]]:
        """What it says, and the records that name it."""
        return [*self.said, *_naming(self.register, self.row, self.actor)]

    @lazy
    def history(self) -> list[dict[str, Any]]:
        """Its steps, newest first, with what each submission changed."""
        before = self.entry_before
        return show.history(self.register, self.entries, whole=self.whole, earlier=before)

    # ---- put together ---------------------------------------------------------------------------
    def head(self) -> dict[str, Any]:
        """What stands on top of each of its pages."""
        return {
            "title": self.register.named(self.row),
            "subtitle": self.register.label,
            "state": show.state_of(self.register, self.row),
            "facts": self.facts,
            "source": self.source,
            **self.lines,
            "version": self.row.version,
        }

    def read(self) -> dict[str, Any]:
        """What all see who read it; a look at whole numbers is noted."""
        if self.whole:
            view_log.note(self.register.name, self.row)
        return self.head() | {
            "id": str(self.row.id),
            "notices": [
                *self.notices,
                *(notice for one in self.beside for notice in show.told(one.notices)),
            ],
            "sections": self.sections,
            "history": self.history,
        }


def _naming(register: Register, row: Any, actor: Actor) -> Iterator[dict[str, Any]]:
    """Sections of the records whose forms name this one: a craftsman's dossiers (spec 05)."""
    for other, rows in references.naming(register, row):
        if not actor.has(Capability.SEARCH, other.name):
            continue
        fields = [other.model.__fields__[n] for n in other.story.named_with.split()]
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
