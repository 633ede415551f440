"""A record read-only: its sections, its history with what changed, its household's facts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from app.access import policy
from app.access.actor import Actor, Capability
from app.access.divisions.regions import Region
from app.core.clock import to_minute
from app.core.db import db
from app.core.i18n import _, translate
from app.kernel import hooks
from app.kernel.declare import stages
from app.kernel.declare.field import Field
from app.kernel.declare.flow import EDITABLE, State
from app.kernel.declare.register import Register
from app.kernel.declare.rules import Evaluation
from app.kernel.hooks import Earlier
from app.kernel.households import words as household_words
from app.kernel.households.words import Fact
from app.kernel.kinds import formats
from app.kernel.kinds.values import to_json
from app.kernel.records import continuing, history_words, renewals
from app.kernel.records import save as records
from app.kernel.records.photo_facts import PhotoFacts
from app.kernel.rows.file import Attachment
from app.kernel.rows.household import Household, get_household
from app.kernel.rows.record import HistoryEntry, Reviewed
from app.web.register import findings
from app.web.register.file_view import file_tile

TONES = {
    State.MISSING: "missing",
    State.DRAFT: "draft",
    State.CHECKING: "submitted",
    State.SUBMITTED: "submitted",
    State.APPROVED: "approved",
    State.RETURNED: "returned",
    State.RECTIFY: "returned",
}


def state_tag(register: Register, state: State) -> dict[str, str]:
    """A state as a coloured label."""
    return {"text": register.state_text(state), "tone": TONES[state]}


def state_of(register: Register, row: Any) -> dict[str, str] | None:
    """The record's state as a label; None where nobody reviews it."""
    if register.flow is None:
        return None
    tag = state_tag(register, row.state)
    stage = stages.concerned(register, row)
    return tag | {"text": f"{stage.label} {tag['text']}"} if stage else tag


def household_of(register: Register, row: Any) -> Household | None:
    """The household that the record belongs to, if it belongs to one."""
    belongs = register.of_households and hasattr(row, "household_id")
    return get_household(row.household_id) if belongs else None


def facts(
    register: Register, row: Any, household: Household | None, *, whole: bool
) -> list[dict[str, Any]]:
    """Whom the record is about, for the bar on top of it."""
    if household is not None:
        return household_facts(household, whole=whole)
    region = db.session.get(Region, row.region_id)
    found = [{"label": _("行政区划"), "text": region.full_name if region else ""}]
    if register.owned:
        found.append({"label": _("录入人"), "text": row.entered_name})
    found.append({"label": _("最后修改"), "text": to_minute(row.changed_at)})
    return found


def sees_all(register: Register, row: Any, actor: Actor) -> bool:
    """Those who may edit or review the record see whole numbers, others on a logged click."""
    if register.owned:
        return records.may_enter(register, row, actor)
    return any(
        policy.may(c, register.name, row, actor=actor)
        for c in (Capability.ENTER, Capability.REVIEW)
    )


def sections(
    register: Register,
    row: Any,
    evaluation: Evaluation,
    attachments: Iterable[Attachment],
    *,
    whole: bool,
    before: HistoryEntry | None = None,
    now: HistoryEntry | None = None,
    known: Mapping[str, list[dict[str, Any]]] | None = None,
) -> list[dict[str, Any]]:
    """The sections that hold something; beside its fields what was ``known`` before. ``before`` and ``now`` are submissions: what differs between
    them is marked with what it said. ``whole`` shows masked fields in full.
    """
    files: dict[str, list[Attachment]] = {}
    for attachment in attachments:
        files.setdefault(attachment.field, []).append(attachment)
    photo_facts = PhotoFacts(db.session(), row, evaluation.values)
    found = _findings(evaluation) if register.quality.kept else {}
    result = []
    for number, section in enumerate(register.sections):
        fields = []
        for name in section.fields:
            made = register.fields[name]
            was = (before.snapshot or {}).get(name) if before else None
            changed = (
                before is not None and now is not None and was != (now.snapshot or {}).get(name)
            )
            if name not in evaluation.shown and not changed:
                continue
            tiles = [file_tile(file, made, photo_facts) for file in files.get(name, [])]
            context = _shown(made, row, tiles, whole=whole)
            if context.get("masked"):
                context["mask_url"] = f"/{register.name}/{row.id}/reveal?field={name}"
            context["priors"] = (known or {}).get(name, [])
            context["findings"] = found.get(name, [])
            if changed and before is not None:
                context |= {"changed": True, "before": made.said(was, before.at)}
            fields.append(context)
        if fields:
            title = translate(section.title)
            result.append({"name": f"s{number + 1}", "title": title, "fields": fields})
    return result


def _findings(evaluation: Evaluation) -> dict[str, list[dict[str, str]]]:
    """What broken rules say beside each field, for ``register/_record.html``."""
    found: dict[str, list[dict[str, str]]] = {}
    for problem in evaluation.problems:
        found.setdefault(problem.field.partition("-")[0], []).append(
            {
                "tone": findings.tone(problem),
                "severity": problem.severity.label,
                "text": problem.message,
                "source": problem.source,
                "remedy": problem.remedy,
            }
        )
    return found


def told(notices: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    """Notices as the templates read them."""
    return [{"tone": tone, "text": text} for tone, text in notices]


def earlier(register: Register, row: Any) -> list[Earlier]:
    """What was known before the record was entered (初判)."""
    before = renewals.preceding(register, row) if register.renewal and row.blank else None
    return hooks.earlier_facts(register, row, before)


def known_notices(known: Sequence[Earlier]) -> list[dict[str, str]]:
    """What is told of the time before, and whether somebody has to go there, and why."""
    return [notice for one in known for notice in told(one.notices)]


def priors(row: Any, known: Sequence[Earlier]) -> dict[str, list[dict[str, Any]]]:
    """What was known of the record's fields before, for ``register/_prior.html``."""
    found: dict[str, list[dict[str, Any]]] = {}
    for name, facts in (pair for one in known for pair in one.facts.items()):
        found.setdefault(name, []).extend(
            {
                "value": fact.value,
                "text": fact.text,
                "source": fact.source,
                "same": fact.value == to_json(getattr(row, name)),
            }
            for fact in facts
        )
    return found


def _shown(made: Field, row: Any, files: list[dict[str, Any]], *, whole: bool) -> dict[str, Any]:
    context: dict[str, Any] = {"name": made.name, "label": translate(made.label), "text": ""}
    if not made.stored:
        return context | {"files": files, "wide": True}
    value = getattr(row, made.name)
    if made.rows:
        return context | _children(made, row, whole=whole)
    if made.masked and not whole and value:
        return context | {"text": made.mask(value), "kind": "id", "masked": True}
    text = made.text(value, row.said_at)
    unit = f" {translate(made.unit)}" if text and made.unit else ""
    kind = "id" if made.kind.names_person else "text"
    return context | {"text": text + unit, "kind": kind, "wide": made.kind.wide}


def _children(made: Field, record: Any, *, whole: bool) -> dict[str, Any]:
    rows = getattr(record, made.name)
    if not rows:
        return {}
    cells = [
        [
            f.mask(row.get(f.name))
            if f.masked and not whole
            else f.text(row.get(f.name), record.said_at)
            for f in made.rows
        ]
        for row in rows
    ]
    heads = [translate(f.label) for f in made.rows]
    masked = not whole and any(f.masked for f in made.rows)
    return {"table": {"heads": heads, "rows": cells}, "masked": masked, "wide": True}


# ---- history ------------------------------------------------------------------------------


def last_submissions(
    entries: Sequence[HistoryEntry], earlier: HistoryEntry | None = None
) -> tuple[HistoryEntry | None, HistoryEntry | None]:
    """The submission before the last one, and the last one, of the same stage; before the record's
    first is what was said ``earlier``, in the record before it.
    """
    taken = [e for e in entries if e.snapshot is not None]
    taken = [e for e in taken if e.stage == taken[-1].stage]
    if earlier is not None and len(taken) == 1:
        return earlier, taken[0]
    return (taken[-2] if len(taken) > 1 else None), (taken[-1] if taken else None)


def history(
    register: Register,
    entries: Sequence[HistoryEntry],
    *,
    whole: bool,
    earlier: HistoryEntry | None = None,
) -> list[dict[str, Any]]:
    """The record's steps, newest first, each submission with what changed since the one before, of
    the same stage; the first since what was said ``earlier``, in the record before this one.
    """
    result = []
    before: dict[str | None, HistoryEntry] = {} if earlier is None else {earlier.stage: earlier}
    for entry in entries:
        changes_made = []
        if entry.snapshot is not None:
            if entry.stage in before:
                earlier = before[entry.stage]
                changes_made = history_words.changes(register, earlier, entry, whole=whole)
            before[entry.stage] = entry
        phone = entry.phone if whole else formats.mask_phone(entry.phone or None)
        result.append(
            {
                "time": to_minute(entry.at),
                "title": history_words.title(register, entry),
                "who": history_words.who(entry),
                "phone": phone,
                "tone": history_words.tone(entry),
                "opinion": history_words.opinion(entry),
                "changes": changes_made,
            }
        )
    return result[::-1]


# ---- the household beside it -----------------------------------------------------------------


def household_facts(household: Household, *, whole: bool) -> list[dict[str, Any]]:
    """Who this is, for the bar on top of a record and the household's page."""
    region = db.session.get(Region, household.region_id)
    facts = [
        household_fact(household, fact) for fact in household_words.facts(household, region, whole)
    ]
    facts[2:2] = _parent(household)
    return facts


def household_fact(household: Household, fact: Fact) -> dict[str, Any]:
    """A fact as templates read it; of a masked one the address that tells and logs it."""
    context = {"label": fact.label, "text": fact.text, "sub": fact.sub}
    if fact.personal:
        context["kind"] = "id"
    if fact.masked:
        context["mask_url"] = f"/household/{household.id}/reveal?field={fact.name}"
    return context


def _parent(household: Household) -> list[dict[str, Any]]:
    """Whom it split off from, in the own area; one statement, of a split household alone."""
    parent = db.session.get(Household, household.parent_id) if household.parent_id else None
    if parent is None:
        return []
    return [{"label": _("主户"), "text": parent.head_name, "url": f"/household/{parent.id}"}]


def kept_facts(register: Register, row: Any) -> list[dict[str, Any]]:
    """What the kernel keeps of the record itself, of what its lists show."""
    own = Reviewed.__fields__.keys()
    names = [n for n in register.lists.ledger.split() if n not in own] if register.continues else []
    made = [register.model.__fields__[n] for n in (*names, *register.form.kept.split())]
    facts = [
        {"label": translate(f.label), "text": f.text(getattr(row, f.name))}
        for f in made
        if f.system
    ]
    return [fact for fact in facts if fact["text"]]


def warnings(register: Register, row: Any) -> list[dict[str, str]]:
    """What stands against going on with the record, or with the one that it goes on from."""
    found = []
    if register.frozen and stages.is_frozen(register, row):
        found.append(translate(register.frozen.why))
    source = continuing.source_of(register, row)
    for made, one in ((register, row), *([source] if source else [])):
        if made.form.warns and (text := made.form.warns(one)):
            found.append(text)
    return [{"tone": "warn", "text": text} for text in found]


def steps(register: Register, state: State) -> list[dict[str, str]]:
    """The line of states on top of a record."""
    names = {
        State.DRAFT: _("填报"),
        State.CHECKING: _("乡镇复核"),
        State.SUBMITTED: _("县级审核"),
        State.APPROVED: _("审核通过"),
    }
    checked = state == State.CHECKING or (register.flow and register.flow.review_of(State.CHECKING))
    line = [one for one in names if one != State.CHECKING or checked]
    at = line.index(state) if state not in EDITABLE else 0
    at += state == State.APPROVED
    result = []
    for number, one in enumerate(line):
        mark = "done" if number < at else ("now" if number == at else "todo")
        text = register.state_text(state) if mark == "now" and state != one else ""
        result.append({"label": names[one], "text": text, "state": mark})
    return result
