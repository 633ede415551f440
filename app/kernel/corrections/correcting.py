"""The correction itself: what would be changed, the job that does it, the job that undoes it.

The job first writes down the records that it will look at, then goes through them some at a time, each
through the normal way of a save: rights, rules, figures, findings, audit log. What may not be changed, or
was changed by somebody since the account saw it, stays and is told. Records and checkpoint go in together,
so a killed worker's successor goes on where it was.
"""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, delete, func, insert, select, update
from werkzeug.datastructures import MultiDict

from app.access import policy
from app.access.actor import Actor, Capability
from app.access.audit import log as audit
from app.access.audit.log import Act
from app.access.divisions.regions import in_subtree, within
from app.core.clock import now
from app.core.db import db
from app.core.errors import AnjuError, BadInput, Conflict, Forbidden, Invalid, NotFound
from app.core.i18n import _, mark, translate
from app.core.jobs import table as jobs
from app.core.jobs.table import Job, JobContext, Owner, daily_job, job_kind
from app.core.transactions import attempt, transaction
from app.kernel.corrections import fields
from app.kernel.declare import choice_lists
from app.kernel.declare.field import Field
from app.kernel.declare.flow import State
from app.kernel.declare.quality import Severity
from app.kernel.declare.register import Register, get_register
from app.kernel.declare.rules import Problem
from app.kernel.kinds.values import to_json
from app.kernel.lists.ledger import Ledger
from app.kernel.lists.query import parse
from app.kernel.records import history
from app.kernel.records import save as records
from app.kernel.rows.correction import LONGEST_REASON, CorrectedRow, Correction, Fate
from app.kernel.settings import standing_rules

KIND, UNDO_KIND = "records.correct", "records.correct.undo"
#: What histories call it.
STEP, LABEL = "corrected", mark("批量更正")
UNDONE_STEP, UNDONE_LABEL = "uncorrected", mark("撤销批量更正")
MOST_ROWS = 50_000
MOST_VALUES = 50
UNDONE_WITHIN = dt.timedelta(days=30)
_ROWS_A_COMMIT = 20  # each is saved as a form is
_ROWS_A_STATEMENT = 1000
Pairs = Sequence[tuple[Any, Any]]


@dataclass(frozen=True)
class Preview:
    """What the rows of a list say of a field: (value, how many), the most frequent ones; ``rest`` say
    something else.
    """

    made: Field
    values: Sequence[tuple[Any, int]]
    whole: int
    rest: int


def ledger(register: Register, args: MultiDict[str, str], actor: Actor) -> Ledger:
    """The list whose records are corrected, as the account sees it."""
    return Ledger(register, parse(register, args, db.session, actor), db.session, actor)


def preview(found: Ledger, made: Field) -> Preview:
    """:raises TooWide: as a page of the list. :raises BadInput: too many records."""
    values = found.by_value(made.name, MOST_VALUES + 1)
    shown = values[:MOST_VALUES]
    n = sum(count for _value, count in shown)
    whole = n if len(values) <= MOST_VALUES else found.count().n
    if whole > MOST_ROWS:
        raise BadInput(_("一次最多更正 %(n)s 户，请增加条件。", n=f"{MOST_ROWS:,}"))
    return Preview(made, shown, whole, whole - n)


def start(
    register: Register,
    args: MultiDict[str, str],
    name: str,
    pairs: Pairs,
    *,
    subject: str,
    reason: str,
    seen_at: dt.datetime,
    keep: bool = False,
) -> Correction:
    """Queue the correction of what ``args`` find: of each pair the old value, as forms have it (:data:`ALL`:
    whatever is said), becomes the new one. ``keep``: later records' too. The caller commits.

    :raises Invalid: no reason, nothing to change, or a value that cannot be. :raises Forbidden: without
        the right to enter, or to keep rules.
    """
    actor = policy.require(Capability.ENTER, register.name)
    if text := fields.why_not(register, name):
        raise BadInput(text)
    made = register.fields[name]
    _check(register, made, pairs, reason, keep=keep)
    ledger(register, args, actor).require_narrow()
    row = Correction(
        register=register.name, field=name, pairs=[list(pair) for pair in pairs],
        asked=[[k, v] for k, v in args.items(multi=True)], subject=subject[:1000],
        reason=reason.strip(), region_id=actor.region_id, path=actor.path,
        account_id=actor.account_id, account_name=f"{actor.login} {actor.name}", seen_at=seen_at,
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    row.job_id = _queued(KIND, row, actor).id
    if keep:
        standing_rules.make(register, name, pairs, row.reason, actor)
    detail = {"field": name, "corrected": _told(made, pairs), "reason": row.reason}
    audit.record(db.session, Act.UPDATE, register=register.name, path=actor.path, detail=detail)
    return row


def _check(register: Register, made: Field, pairs: Pairs, reason: str, *, keep: bool) -> None:
    wrong = []
    if not reason.strip():
        wrong.append(Problem("reason", "reason.required", _("请填写更正的原因。")))
    if len(reason) > LONGEST_REASON:
        text = _("最多 %(n)s 个字，现有 %(m)s 个。", n=LONGEST_REASON, m=len(reason))
        wrong.append(Problem("reason", "reason.long", text))
    if not pairs:
        wrong.append(Problem("new", "new.required", _("请至少给出一个新值。")))
    for old, new in pairs:
        wrong += _wrong_value(register, made, old, new)
    if keep and any(old is None or old == ALL for old, _new in pairs):
        text = _("只有按原值逐个更正的，才能保存为今后的更正规则。")
        wrong.append(Problem("keep", "keep.all", text))
    if wrong:
        raise Invalid(_("有 %(n)s 处需要修改。", n=len(wrong)), wrong)


#: Among the old values: whatever is said.
ALL = {"all": True}


def _wrong_value(register: Register, made: Field, old: Any, new: Any) -> list[Problem]:
    """What is wrong with a new value: unreadable, of no choice that is offered, or an error whatever else a
    record says, as a day to come is: a form keeps that of one household, nobody wants it in thousands.
    """
    try:
        value = made.parse(new)
    except ValueError as error:
        return [problem_of(old, str(error))]
    if to_json(value) == old:
        return [problem_of(old, _("新值与原值相同。"))]
    gone = [
        choice_lists.label(part.source_list, code)
        for part, code in made.choices_in(value)
        if part.source_list and not choice_lists.is_offered(part.source_list, code)
    ]
    if gone:
        text = _("“%(text)s”已停用，请从列表中另选一项。", text=gone[0])
        return [problem_of(old, text)]
    alone = dict.fromkeys(register.fields) | {n: [] for n in register.file_fields}
    found = register.rules.evaluate(alone | {made.name: value}).broken
    wrong = (p for p in found if p.field == made.name and p.severity == Severity.ERROR)
    return [problem_of(old, one.message) for one in wrong]


def problem_of(old: Any, text: str) -> Problem:
    """What is wrong with the new value of an old one."""
    return Problem(f"new-{key_of(old)}", "new.wrong", text)


def key_of(old: Any) -> str:
    """An old value as the names of inputs have it."""
    return json.dumps(old, ensure_ascii=False, sort_keys=True)


def _told(made: Field, pairs: Pairs) -> str:
    """The pairs in words, for the audit log."""
    texts = [_("%(old)s → %(new)s", old=said(made, old), new=said(made, new)) for old, new in pairs]
    return _("；").join(texts)


def said(made: Field, kept: Any) -> str:
    """A value that is kept as forms have it, in words."""
    if kept == ALL:
        return _("全部")
    return made.said(kept) or _("未填")


def _queued(kind: str, row: Correction, actor: Actor) -> Job:
    owner = Owner(actor.account_id, actor.name, actor.path)
    register = get_register(row.register)
    made = register.fields.get(row.field) if register else None
    subject = translate(made.label) if made else row.field
    return jobs.enqueue(kind, {"correction": str(row.id)}, owner=owner, subject=subject)


# ---- looked at ----------------------------------------------------------------------------------


def listed(register: Register) -> Select[Correction]:
    """The corrections that the account may look at, newest first: those made in its area."""
    actor = policy.require(Capability.ENTER, register.name)
    query = select(Correction).where(
        Correction.register == register.name, in_subtree(Correction.path, actor.path)
    )
    return query.order_by(Correction.made_at.desc(), Correction.id)


def get(register: Register, key: uuid.UUID) -> Correction:
    """One of these. :raises NotFound: there is none."""
    actor = policy.require(Capability.ENTER, register.name)
    row = db.session.get(Correction, key)
    if row is None or row.register != register.name or not within(row.path, actor.path):
        raise NotFound(_("没有找到这次批量更正。"))
    return row


def counts(row: Correction) -> dict[Fate, int]:
    """How many records have which fate; one statement."""
    query = select(CorrectedRow.fate, func.count()).where(CorrectedRow.correction_id == row.id)
    return {fate: int(n) for fate, n in db.session.execute(query.group_by(CorrectedRow.fate))}


def left(row: Correction, fate: Fate, first: int, most: int) -> list[CorrectedRow]:
    """Records of that fate, in the order of the list."""
    query = select(CorrectedRow).where(
        CorrectedRow.correction_id == row.id, CorrectedRow.fate == fate
    )
    query = query.order_by(CorrectedRow.position).offset(first).limit(most)
    return list(db.session.scalars(query))


def job_of(row: Correction) -> Job | None:
    """Its job, or that of its undoing; None once it has expired."""
    return db.session.get(Job, row.job_id) if row.job_id else None


def is_running(row: Correction) -> bool:
    """Is its job, or that of its undoing, on its way? One that was cancelled or failed is not."""
    job = job_of(row)
    return job is not None and job.state in jobs.OPEN_STATES


def undone_until(row: Correction) -> dt.datetime:
    """Until when it may be undone."""
    return row.made_at + UNDONE_WITHIN


# ---- the job ------------------------------------------------------------------------------------


@job_kind(KIND, title="批量更正")
def run(job: JobContext) -> dict[str, Any]:
    """Write down what is looked at, then correct it."""
    row, register = _asked(job)
    actor = policy.require(Capability.ENTER, register.name)
    if job.checkpoint is None:
        _write_down(job, row, register, actor)
    made = register.fields[row.field]
    news = {key_of(old): made.parse(new) for old, new in row.pairs}

    def correct(line: CorrectedRow, record: Any) -> None:
        _correct(register, row, made, news, line, record)

    _each(job, row, register, Fate.WAITING, (Fate.CHANGED, Fate.SKIPPED), correct)
    with transaction():
        done = update(Correction).where(Correction.id == row.id).values(done_at=now())
        db.session.execute(done)
    return _result(row)


@job_kind(UNDO_KIND, title="撤销批量更正")
def undo(job: JobContext) -> dict[str, Any]:
    """What the correction changed and nobody changed since is what it was."""
    row, register = _asked(job)
    policy.require(Capability.ENTER, register.name)

    def bring_back(line: CorrectedRow, record: Any) -> None:
        _bring_back(register, row, line, record)

    _each(job, row, register, Fate.CHANGED, (Fate.UNDONE, Fate.STAYS), bring_back)
    return _result(row)


def begin_undo(register: Register, key: uuid.UUID) -> Correction:
    """Queue the undoing. The caller commits.

    :raises Conflict: it is not done yet, is undone already, or too old. An undoing that broke off may go on.
    """
    actor = policy.require(Capability.ENTER, register.name)
    get(register, key)
    row = db.session.get_one(Correction, key, with_for_update=True, populate_existing=True)
    running = is_running(row)
    if row.undone_at is not None and (running or not counts(row).get(Fate.CHANGED)):
        raise Conflict(_("这次批量更正已经撤销。"))
    if running:
        raise Conflict(_("这次批量更正还没有完成，完成后才能撤销。"))
    if now() > undone_until(row):
        raise Conflict(_("批量更正只能在30天内撤销。"))
    row.undone_at, row.undone_by = now(), f"{actor.login} {actor.name}"
    row.job_id = _queued(UNDO_KIND, row, actor).id
    detail = {"field": row.field, "reason": _("撤销批量更正：%(why)s", why=row.reason)}
    audit.record(db.session, Act.UPDATE, register=register.name, path=row.path, detail=detail)
    return row


@daily_job("records.corrections.forget", title="清理批量更正的明细")
def forget(_job: JobContext) -> dict[str, Any]:
    """What can no longer be undone says no more what records said before."""
    old = select(Correction.id).where(Correction.made_at < now() - UNDONE_WITHIN)
    with transaction():
        gone = delete(CorrectedRow).where(CorrectedRow.correction_id.in_(old))
        return {"rows": int(db.session.execute(gone).rowcount)}


def _asked(job: JobContext) -> tuple[Correction, Register]:
    row = db.session.get(Correction, uuid.UUID(job.args["correction"]))
    register = get_register(row.register) if row is not None else None
    if row is None or register is None or fields.why_not(register, row.field):
        raise BadInput(_("没有找到这次批量更正。"))
    return row, register


def _write_down(job: JobContext, row: Correction, register: Register, actor: Actor) -> None:
    """The records of the list that say one of the old values, in its order."""
    found = ledger(register, MultiDict([(k, v) for k, v in row.asked]), actor)
    olds = {key_of(old) for old, _new in row.pairs}
    whole = key_of(ALL) in olds
    keys = [
        key
        for batch in found.stream_values(("id", row.field))
        for key, value in batch
        if whole or key_of(to_json(value)) in olds
    ]
    if len(keys) > MOST_ROWS:
        raise BadInput(_("一次最多更正 %(n)s 户，请增加条件。", n=f"{MOST_ROWS:,}"))
    lines = [
        {"correction_id": row.id, "position": n, "record_id": key, "fate": Fate.WAITING}
        for n, key in enumerate(keys, 1)
    ]
    with transaction():
        for first in range(0, len(lines), _ROWS_A_STATEMENT):
            db.session.execute(insert(CorrectedRow), lines[first : first + _ROWS_A_STATEMENT])
        job.save({"rows": len(lines)})


def _each(
    job: JobContext,
    row: Correction,
    register: Register,
    waiting: Fate,
    fates: tuple[Fate, Fate],
    do: Callable[[CorrectedRow, Any], None],
) -> None:
    """``do`` with each record of that fate, some a transaction; the first of ``fates`` where it was done, the
    second with what speaks against it.
    """
    counted = counts(row)
    done = sum(counted.get(fate, 0) for fate in fates)
    whole = done + counted.get(waiting, 0)
    while True:
        with transaction():
            lines = left(row, waiting, 0, _ROWS_A_COMMIT)
            for line in lines:
                refused = _one(register, line, do)
                line.fate = fates[1] if refused else fates[0]
                line.note = (refused or "")[:300] or None
            done += len(lines)
            job.save({"done": done})
        if not lines:
            return
        db.session.expire_all()
        job.progress(min(done, whole), whole)


def _one(register: Register, line: CorrectedRow, do: Callable[[CorrectedRow, Any], None]) -> str:
    """What speaks against it, in words; empty where it is done."""
    record = db.session.get(
        register.model, line.record_id, with_for_update=True, populate_existing=True
    )
    if record is None:
        return _("已删除，或不在您的管辖范围内。")
    error = attempt(lambda: do(line, record))
    return _why(error) if error is not None else ""


def _why(error: AnjuError) -> str:
    problems = error.problems if isinstance(error, Invalid) else ()
    return _("；").join(p.message for p in problems) or error.message


def _correct(
    register: Register,
    row: Correction,
    made: Field,
    news: Mapping[str, Any],
    line: CorrectedRow,
    record: Any,
) -> None:
    """One record: its field becomes what is given for its old value.

    :raises AnjuError: it may not be, or somebody changed it since it was seen.
    """
    if not records.may_enter(register, record, policy.require(Capability.ENTER, register.name)):
        raise Forbidden(_("您的账号不能修改这一户。"))
    if getattr(record, "state", None) == State.MISSING:
        raise Conflict(_("尚未录入。"))
    if record.changed_at > row.seen_at:
        raise Conflict(_("预览之后已被修改。"))
    before = _typed(register, record)
    key = key_of(to_json(getattr(record, made.name)))
    new = news[key] if key in news else news[key_of(ALL)]
    _put(register, record, {made.name: new}, row.reason, STEP, LABEL)
    if to_json(getattr(record, made.name)) != to_json(new):
        raise Conflict(_("按该户其他各项的内容，这一项不用填写。"))
    after = _typed(register, record)
    line.before = {name: old for name, old in before.items() if old != after[name]}
    line.version = record.version


def _bring_back(register: Register, row: Correction, line: CorrectedRow, record: Any) -> None:
    """:raises AnjuError: somebody changed it since, or it may not be changed now."""
    if record.version != line.version:
        raise Conflict(_("更正之后又被修改。"))
    known = register.fields
    before = {n: known[n].parse(old) for n, old in (line.before or {}).items() if n in known}
    _put(register, record, before, row.reason, UNDONE_STEP, UNDONE_LABEL)


def _put(
    register: Register, record: Any, values: Mapping[str, Any], reason: str, step: str, label: str
) -> None:
    because = {"reason": _("%(what)s：%(why)s", what=translate(label), why=reason)}
    before = _typed(register, record)
    records.put(register, record, values, record.version, because=because)
    actor = policy.require(Capability.ENTER, register.name)
    after = _typed(register, record)
    changed = [
        _changed(register.fields[n], before[n], after[n]) for n in before if before[n] != after[n]
    ]
    opinion = _("；").join([*changed, _("原因：%(why)s", why=reason)])
    history.note(register, record, actor, step, label, opinion=opinion)
    db.session.flush()


def _changed(made: Field, old: Any, new: Any) -> str:
    label = translate(made.label)
    return _("%(what)s：%(old)s → %(new)s", what=label, old=said(made, old), new=said(made, new))


def _typed(register: Register, record: Any) -> dict[str, Any]:
    """What a form of the record says."""
    return {n: to_json(getattr(record, n)) for n, f in register.fields.items() if f.typed}


def _result(row: Correction) -> dict[str, Any]:
    return {fate.value: n for fate, n in counts(row).items()}
