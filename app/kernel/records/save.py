"""What can be done to a record: each function is permission + change + history + audit.

None ends the transaction: the caller does, with what else belongs to it (:mod:`app.core.transactions`).
"""

from __future__ import annotations

import uuid
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm.attributes import set_committed_value

from app.access import policy
from app.access.accounts import unusual
from app.access.actor import Actor, Capability
from app.access.audit import log as audit
from app.access.audit.log import Act
from app.access.scope import acting_as, current_actor, is_hidden, is_present, showing_hidden
from app.core.clock import now
from app.core.db import db
from app.core.errors import Conflict, Invalid, NotFound
from app.core.i18n import _, translate
from app.core.transactions import orphaned
from app.kernel import hooks
from app.kernel.declare import choice_lists, stages
from app.kernel.declare.fields import UNOFFERED
from app.kernel.declare.flow import State, is_reviewed
from app.kernel.declare.quality import Severity
from app.kernel.declare.register import Register
from app.kernel.declare.rules import Evaluation, Problem
from app.kernel.kinds.values import to_json
from app.kernel.records import (
    history,
    judging,
    keys,
    named_households,
    owners,
    places,
)
from app.kernel.records.history import Contact
from app.kernel.rows import facts
from app.kernel.rows.file import Attachment
from app.kernel.rows.reading import values_of
from app.kernel.rows.record import Draft
from app.kernel.settings import standing_rules
from app.kernel.settings.standing_rules import Mended

#: What histories call a deletion, which is no step of a flow.
CLEAR = "删除"


def get(register: Register, record_id: uuid.UUID, *, lock: bool = False) -> Any:
    """The record, if it exists in the actor's area; else NotFound, noted in the audit log."""
    row = db.session.get(register.model, record_id, with_for_update=lock, populate_existing=lock)
    if not is_present(row):
        audit.refused(register=register.name, detail={"record": str(record_id)})
        raise NotFound(_("没有找到该记录。它可能不存在，或不在您的管辖范围内。"), noted=True)
    return row


def of_household(register: Register, household_id: uuid.UUID) -> Any:
    """The record that counts for a household of the actor's area, or None."""
    model = register.model
    query = select(model).where(model.household_id == household_id, model.current)
    return db.session.scalar(query)


def attachments_of(row: Any) -> list[Attachment]:
    """The record's files in order; those of a hidden one are hidden with it."""
    query = (
        select(Attachment)
        .where(Attachment.record_id == row.id)
        .order_by(Attachment.field, Attachment.position, Attachment.id)
    )
    with showing_hidden(when=is_hidden(row)):
        return list(db.session.scalars(query))


def evaluate(
    register: Register,
    row: Any,
    values: Mapping[str, Any] | None = None,
    files: Sequence[Attachment] | None = None,
) -> Evaluation:
    """The rules over the stored record, or over it with ``values`` typed in. Its ``files`` are read
    unless the caller has them.
    """
    stored = values_of(row, attachments_of(row) if files is None else files)
    rules = register.rules_of(row)
    known = {name: stored[name] for name in (*register.field_names, *rules.kept_facts)}
    known.update({n: v for n, v in (values or {}).items() if register.fields[n].typed})
    if rules.outer:
        known |= facts.of(rules.outer, row, known, register.compared)
    return rules.evaluate(known)


def facts_json(register: Register, row: Any, result: Evaluation) -> dict[str, Any]:
    """What the rules ask for and no field of theirs says, as browsers compare it."""
    said = {name: result.values[name] for name in register.rules_of(row).facts}
    return {name: to_json(value) for name, value in sorted(said.items())}


def findings(register: Register, row: Any, result: Evaluation) -> list[Problem]:
    """What the register's checks say of a record that was saved, and its findings, which forbid
    nothing: somebody should look.
    """
    if row.state == State.MISSING:
        return []
    with _unasked():
        found = _checked(register, row, result.values)
    return found + [p for check in register.findings for p in check(row, result.values)]


@contextmanager
def _unasked() -> Iterator[None]:
    """A page that only shows a record tells of numbers elsewhere as a job does: short, not noted."""
    actor = current_actor()
    if actor is None:
        yield
        return
    with acting_as(replace(actor, in_job=True)):
        yield


def derive(register: Register, row: Any) -> None:
    """Set what the kernel keeps of the record from what it says."""
    with (
        db.session.no_autoflush
    ):  # it may read the record's files: a row half changed is no version
        for one in register.derives:
            one(row)


def follow(register: Register, row: Any, result: Evaluation) -> None:
    """Set all that the kernel keeps of a record whose values were put in; before it is flushed."""
    if register.key:
        keys.follow(register, row)
    if register.names_household:
        named_households.follow(row)
    derive(register, row)
    if register.quality.kept:
        judging.judge(register, row, _derived(register, row, result))


def _derived(register: Register, row: Any, result: Evaluation) -> Evaluation:
    """What the rules say once what is derived stands in the row; its files are those of ``result``."""
    fields = row.__fields__
    stored = {n: getattr(row, n) for n in result.values if n in fields and fields[n].stored}
    if all(result.values[name] == value for name, value in stored.items()):
        return result
    return register.rules_of(row).evaluate(result.values | stored)


def follow_files(register: Register, row: Any) -> None:
    """What the kernel keeps of a record follows its files, too; the caller commits. That is no new version:
    the form from which a photo was sent may still be saved.
    """
    db.session.flush()
    version = row.version
    derive(register, row)
    for one in register.derives_of_files:
        one(row)
    if register.quality.kept and row.state != State.MISSING:
        judging.judge(register, row, evaluate(register, row))
    if not db.session.is_modified(row):
        return
    db.session.flush()
    table = register.model.__table__
    same = update(table).where(table.c.id == row.id).values(version=version)
    db.session.connection().execute(same)
    set_committed_value(row, "version", version)


def save(
    register: Register,
    record_id: uuid.UUID,
    values: Mapping[str, Any],
    version: int,
    parse_problems: list[Problem] | None = None,
    region_id: int | None = None,
) -> Any:
    """:func:`put` for a record that the caller has not read, or not locked."""
    row = get(register, record_id, lock=True)
    return put(register, row, values, version, parse_problems, region_id)


def put(
    register: Register,
    row: Any,
    values: Mapping[str, Any],
    version: int,
    parse_problems: list[Problem] | None = None,
    region_id: int | None = None,
    *,
    because: Mapping[str, Any] | None = None,
) -> Any:
    """Put a form's values into the record, which nobody has changed since it was read: else what is
    flushed is refused. ``region_id``: the division that was chosen, where the form asks for one.
    ``because``: what the audit log says besides, of a correction that no standing rule mends again.

    Missing answers are allowed (but those that ``save_needs`` names); wrong ones are not. Hidden
    values are cleared, computed ones worked out; those of an approved stage stay as they are.

    :raises Invalid: with every problem; nothing is changed.
    :raises Conflict: someone saved another version meanwhile.
    """
    actor = require_entry(register, row)
    mended: list[Mended] = []
    if because is None:
        values, mended = standing_rules.mended(register, values, row.path, held(row, values))
    result = evaluate(register, row, values)
    moves = region_id is not None and region_id != row.region_id
    blocking = [*(parse_problems or [])]
    blocking += places.problems(register, actor, region_id) if moves else []
    blocking += locked_problems(register, row, values)
    blocking += blocking_problems(register, row, result)
    new = stored_values(register, result)
    if row.version != version and not blocking and not moves and _same(row, new):
        return row  # the same form, sent twice
    require_editable(register, row)
    if row.version != version:
        raise Conflict(_("该%(what)s已被他人修改，请核对后再保存。", what=register.word), row=row)
    if blocking:
        raise Invalid(_("有 %(n)s 处需要修改，修改后再保存。", n=len(blocking)), blocking)
    if created := row.state == State.MISSING:
        unusual.count(unusual.What.ADDITIONS)
    changes = assign(row, new)
    note_mended(register, row, actor, mended)
    follow(register, row, result)
    if moves and region_id is not None:
        changes[places.FIELD] = places.settle(row, region_id)
    optional = register.review is not None and bool(register.review.setting)
    cleared = optional and not is_reviewed(register, row)
    if created or cleared or row.state == State.APPROVED:  # … of the stage before
        row.state = State.DRAFT
    row.changed_at = now()
    audit.record(
        db.session,
        Act.CREATE if created else Act.UPDATE,
        register=register.name,
        row=row,
        detail={"changes": changes, **standing_rules.raw(mended), **(because or {})},
    )
    forget_draft(actor, row.id)
    hooks.saved(register, row, changes)
    return row


def blocking_problems(register: Register, row: Any, result: Evaluation) -> list[Problem]:
    """Why values cannot even be saved."""
    found = refused(register, row, result)
    if not found:
        found += forbidding(register, row, result.values, register.quality.saving)
        found += _expired_choices(register, row, result.values)
    return found


def refused(register: Register, row: Any, result: Evaluation) -> list[Problem]:
    """What the rules of the record's own values say against saving them."""
    found, needed = result.refused, set(register.form.save_needs.split())
    found += [p for p in result.missing if p.field in needed and p not in found]
    return found + [p for p in _unoffered(row, result) if p not in found]


def forbidding(
    register: Register, row: Any, values: Mapping[str, Any], severities: Container[Severity]
) -> list[Problem]:
    """What the checks say against these values, of these severities or whatever theirs are; the others
    are told on the record's form and page (:func:`findings`).
    """
    return [p for p in _checked(register, row, values) if p.severity in severities or p.forbids]


def _checked(register: Register, row: Any, values: Mapping[str, Any]) -> list[Problem]:
    own = [problem for check in register.checks for problem in check(row, values)]
    return own + hooks.record_checks(register, row, values)


def note_mended(register: Register, row: Any, actor: Actor, mended: Iterable[Mended]) -> None:
    """Tell in the record's history what was said before standing rules."""
    for one in mended:
        step, label = standing_rules.STEP, standing_rules.LABEL
        history.note(register, row, actor, step, label, opinion=standing_rules.told(register, one))


def forget_draft(actor: Actor, record_id: uuid.UUID) -> None:
    """Drop what the account was typing in the record; the caller commits."""
    own = Draft.account_id == actor.account_id, Draft.record_id == record_id
    db.session.execute(delete(Draft).where(*own))


def held(row: Any, names: Iterable[str]) -> dict[str, Any]:
    """What the record says of these fields."""
    return {name: getattr(row, name) for name in names}


def stored_values(register: Register, result: Evaluation) -> dict[str, Any]:
    return {n: result.values[n] for n, made in register.fields.items() if made.stored}


def clear(register: Register, record_id: uuid.UUID, version: int) -> Any:
    """Delete what was entered: the record is 未录入 again, its history stays. Approved stages stay
    too: then it is what it was at the last approval. Where users make the records, it is gone with
    its files; the audit log keeps what it said.

    :raises Conflict: it may not be changed now, or is kept: that is hidden (:mod:`app.kernel.records.hiding`).
    """
    row = get(register, record_id, lock=True)
    actor = require_entry(register, row)
    if register.keeps:
        raise Conflict(
            _("该%(what)s永久保存，请在它的页面上写明原因后删除。", what=register.word), row=row
        )
    if row.state == State.MISSING:
        if history.last_step_is(row, actor, "clear"):
            return row  # the same click, sent twice
        raise Conflict(_("该户尚未录入，没有可删除的内容。"), row=row)
    require_editable(register, row)
    require_version(register, row, version)
    unusual.count(unusual.What.DELETIONS)
    hooks.clearing(register, row)
    kept = stages.locked(register, row)
    gone: dict[str, Any] = {
        n: None for n, f in register.fields.items() if f.stored and n not in kept
    }
    before = stages.approved(register, row)
    if register.form.begins is not None and not before:
        gone |= register.form.begins(db.session, row)
    changes = assign(row, gone)
    judging.forget(register, row)
    files = [a for a in attachments_of(row) if a.field not in kept]
    for attachment in files:
        db.session.delete(attachment)
    audit.record(
        db.session, Act.DELETE, register=register.name, row=row, detail={"changes": changes}
    )
    forget_draft(actor, row.id)
    if register.creates is not None:
        db.session.delete(row)
        orphaned(key for attachment in files for key in attachment.keys)
        return row
    source = row.state
    if register.flow is not None:
        row.state = State.APPROVED if before else State.MISSING
        if not before:
            row.submitted_by = row.submitted_at = row.decided_at = None
    who = Contact(actor.name, "")
    entry = history.note(register, row, actor, "clear", CLEAR, source=source, contact=who)
    entry.stage = stages.code(stages.at_hand(register, row))
    return row


def may_enter(register: Register, row: Any, actor: Actor) -> bool:
    """Has this actor the right to enter what this record says, and keeps it, where the register is ``owned``?"""
    may = policy.may(Capability.ENTER, register.name, row, actor=actor)
    return may and (not register.owned or owners.keeps(register, row, actor))


def require_entry(register: Register, row: Any) -> Actor:
    """The actor, who may enter what this record says.

    :raises Forbidden: the actor may not, or another account keeps it.
    """
    actor = policy.require(Capability.ENTER, register.name, row)
    if register.owned:
        owners.require(register, row, actor)
    return actor


def may_edit(register: Register, row: Any, actor: Actor) -> bool:
    """May this actor change this record now?"""
    open_now = stages.is_open(register, row) and not asks_to_move(register, row)
    open_now = open_now and not is_hidden(row)
    return open_now and register.entered and may_enter(register, row, actor)


def asks_to_move(register: Register, row: Any) -> bool:
    """Does the record ask for a move that nobody has decided? It waits for that (app.kernel.households.moves)."""
    return register.moves is not None and bool(getattr(row, register.moves[0]))


# ---- small parts ----------------------------------------------------------------------------


def require_editable(register: Register, row: Any) -> None:
    """:raises Conflict: the record's state does not let it be changed."""
    require_unfrozen(register, row)
    if not stages.is_open(register, row):
        raise Conflict(
            _(
                "该%(what)s现在是“%(state)s”，不能修改。",
                what=register.word,
                state=register.state_text(row.state),
            ),
            row=row,
        )
    if asks_to_move(register, row):
        raise Conflict(_("该户的迁户申请正在审批，撤回申请后才能修改。"), row=row)


def require_unfrozen(register: Register, row: Any) -> None:
    """:raises Conflict: nobody changes it, or decides on it."""
    if register.frozen and stages.is_frozen(register, row):
        raise Conflict(translate(register.frozen.why), row=row)


def locked_problems(register: Register, row: Any, values: Mapping[str, Any]) -> list[Problem]:
    """What of these values would change an approved stage, or what the kernel puts in."""
    fixed = {n for section in register.sections if section.fixed for n in section.fields}
    texts = _("由系统确定，不能修改。"), _("所属阶段已审核通过，不能修改；有误的请联系县级退回。")
    return [
        Problem(name, f"{name}.locked", texts[name not in fixed])
        for name in sorted(stages.locked(register, row) & values.keys())
        if to_json(values[name]) != to_json(getattr(row, name))
    ]


def require_version(register: Register, row: Any, version: int) -> None:
    """:raises Conflict: the record is no longer what the user saw."""
    if row.version != version:
        raise Conflict(_("该%(what)s已被他人修改，请刷新后再操作。", what=register.word), row=row)


def _expired_choices(register: Register, row: Any, values: Mapping[str, Any]) -> Iterator[Problem]:
    """What is chosen now must be offered now; what the record already held may stay."""
    for name, made in register.fields.items():
        for part, new in made.choices_in(values.get(name)):
            held = {code for other, code in made.choices_in(getattr(row, name)) if other is part}
            if (
                part.source_list
                and new not in held
                and not choice_lists.is_offered(part.source_list, new)
            ):
                text = choice_lists.label(part.source_list, new)
                message = _("“%(text)s”已停用，请从列表中另选一项。", text=text)
                yield Problem(name, f"{name}.expired", message)


def _unoffered(row: Any, result: Evaluation) -> Iterator[Problem]:
    """What is chosen now must be offered as the record stands; what it already held may stay."""
    for problem in result.broken:
        name, _dot, code = problem.code.rpartition(".")
        if code == UNOFFERED and to_json(getattr(row, name)) != to_json(result.values[name]):
            yield replace(problem, forbids=True)


def _same(row: Any, new: Mapping[str, Any]) -> bool:
    return all(to_json(getattr(row, name)) == to_json(value) for name, value in new.items())


def assign(row: Any, new: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Set the values; returns what changed as {field: [old, new]} in form text."""
    changes = {}
    for name, value in new.items():
        old = getattr(row, name)
        if to_json(old) != to_json(value):
            changes[name] = [to_json(old), to_json(value)]
            setattr(row, name, value)
    return changes
