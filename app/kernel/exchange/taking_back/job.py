"""An import taken back, as a job: looked at first if one likes, some units a transaction with the checkpoint.

A kill loses nothing and does nothing twice: a unit is undone and its images go in one transaction. Who may
import there may take back, for 30 days, what lies in its area then.
"""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select

from app.access import policy
from app.access.accounts import notices
from app.access.accounts.notices import NoticeKind
from app.access.actor import SYSTEM, Actor, Capability
from app.access.audit import log as audit
from app.access.audit.log import Act
from app.access.divisions.regions import in_subtree
from app.core.clock import now
from app.core.db import db
from app.core.errors import BadInput, Conflict, NotFound
from app.core.i18n import _, mark, translate
from app.core.jobs.table import OPEN_STATES, Job, JobContext, Owner, enqueue, job_kind
from app.core.transactions import supposed, transaction, tried
from app.kernel.declare.register import all_registers
from app.kernel.exchange.imports import notes as import_notes
from app.kernel.exchange.taking_back import images
from app.kernel.exchange.taking_back.images import ImportRun
from app.kernel.exchange.taking_back.units import ABSENT, GONE, RESTORED, STAYS, Outcome, Units
from app.kernel.exchange.writer import MEDIA_TYPE, Book, Column

KIND = "import.taking_back"
OUTCOMES = (GONE, RESTORED, STAYS, ABSENT)
LONGEST_REASON = 200
_UNITS_A_COMMIT = 100
_ATTEMPTS = 3


# ---- which imports -------------------------------------------------------------------------------


def right_of(run: ImportRun) -> tuple[Capability, str]:
    """The right that the import asked for."""
    return (Capability.ENTER, run.register) if run.register else (Capability.IMPORT_LIST, SYSTEM)


def mine(actor: Actor) -> ColumnElement[bool]:
    """SQL: the runs of the actor's area that it may take back, as far as rights go."""
    entered = [r.name for r in all_registers() if actor.has(Capability.ENTER, r.name)]
    kinds: list[ColumnElement[bool]] = [ImportRun.register.in_(entered)]
    if actor.has(Capability.IMPORT_LIST):
        kinds.append(ImportRun.register == "")
    return and_(in_subtree(ImportRun.path, actor.path), or_(*kinds))


def get(run_id: uuid.UUID) -> ImportRun:
    """A run that the account may take back. :raises NotFound: there is none."""
    actor = policy.current_actor()
    run = None
    if actor is not None:
        run = db.session.scalar(select(ImportRun).where(ImportRun.id == run_id, mine(actor)))
    if run is None:
        raise NotFound(_("没有找到这次导入，或您没有权限撤回。"))
    return run


def why_not(run: ImportRun) -> str:
    """Why the run cannot be taken back now; empty: it can."""
    if run.expired:
        day = f"{run.expires:%Y-%m-%d}"
        return _("导入超过 %(n)s 天，已不能撤回（%(day)s 截止）。", n=images.KEPT_DAYS, day=day)
    if _is_open(run.id):
        return _("导入还在进行，请等它结束或先取消。")
    if run.taking is not None and _is_open(run.taking):
        return _("正在撤回，请等它结束。")
    if not run.remaining:
        return _("这次导入写入的内容都已撤回。")
    return ""


def of_jobs(job_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, ImportRun]:
    """What of these jobs, which are the account's own, was kept."""
    query = select(ImportRun).where(ImportRun.id.in_(job_ids))
    return {one.id: one for one in db.session.scalars(query)} if job_ids else {}


def page_of(actor: Actor, first: int, most: int) -> Sequence[tuple[ImportRun, Job]]:
    """The imports that the actor may take back, with their jobs, newest first."""
    query = select(ImportRun, Job).join(Job, Job.id == ImportRun.id).where(mine(actor))
    query = query.order_by(ImportRun.made_at.desc(), ImportRun.id.desc())
    return [(run, job) for run, job in db.session.execute(query.offset(first).limit(most))]


def _is_open(job_id: uuid.UUID) -> bool:
    state = db.session.scalar(select(Job.state).where(Job.id == job_id))
    return state in OPEN_STATES


def start(run_id: uuid.UUID, *, dry_run: bool, reason: str) -> Job:
    """Queue the taking back of an import, or a look at what it would do.

    :raises NotFound: no such import in the area. :raises Conflict: it cannot be taken back now.
    :raises BadInput: no reason.
    """
    run = get(run_id)
    db.session.refresh(run, with_for_update=True)  # of two clicks one waits
    if why := why_not(run):
        raise Conflict(why)
    reason = reason.strip()
    if not dry_run and not reason:
        raise BadInput(_("请填写撤回原因。"))
    if len(reason) > LONGEST_REASON:
        raise BadInput(_("撤回原因最多 %(n)s 个字。", n=LONGEST_REASON))
    actor = policy.require(*right_of(run))
    imported = db.session.get_one(Job, run.id)
    args = {"run": run.id.hex, "dry_run": dry_run, "reason": reason}
    owner = Owner(actor.account_id, actor.name, actor.path)
    job = enqueue(KIND, args, owner=owner, subject=imported.subject)
    if not dry_run:
        run.taking = job.id
    return job


# ---- doing it ------------------------------------------------------------------------------------


@job_kind(KIND, title=mark("撤回导入"), forget=import_notes.forget_job)
def run(job: JobContext) -> dict[str, Any]:
    """Do it; the counts of :data:`OUTCOMES`, and the name of the workbook of what stays."""
    found = get(uuid.UUID(job.args["run"]))
    if found.expired:
        raise Conflict(why_not(found))
    policy.require(*right_of(found))
    return _TakingBack(job, found).run()


class _TakingBack:
    def __init__(self, job: JobContext, found: ImportRun) -> None:
        self.job, self.id, self.subject = job, found.id, right_of(found)
        self.dry, self.reason = bool(job.args["dry_run"]), job.args["reason"]
        kept = job.checkpoint or {}
        self.counts: dict[str, int] = kept.get("counts") or dict.fromkeys(OUTCOMES, 0)
        self.total: int = kept.get("total") or found.remaining
        self.after = uuid.UUID(kept["after"]) if kept.get("after") else None

    def run(self) -> dict[str, Any]:
        told = bool((self.job.checkpoint or {}).get("told"))
        while not told and tried(self._some, _ATTEMPTS):
            done = sum(self.counts.values())
            what = translate("检查") if self.dry else translate("撤回")
            text = translate(
                "%(what)s：%(done)s / %(total)s",
                what=what,
                done=f"{done:,}",
                total=f"{self.total:,}",
            )
            self.job.progress(done, self.total, text)
        return self._finish()

    def _some(self) -> bool:
        """The next units; False where none is left."""
        if self.dry:
            with supposed():
                outcomes = self._undone()
            if outcomes is None:
                return False
            with transaction():
                counts = self._keep(outcomes)
        else:
            with transaction():
                outcomes = self._undone()
                if outcomes is None:
                    return False
                counts = self._keep(outcomes)
        self.counts, self.after = counts, list(outcomes)[-1]
        return True

    def _undone(self) -> dict[uuid.UUID, Outcome] | None:
        query = select(ImportRun).where(ImportRun.id == self.id).with_for_update()
        found = db.session.scalars(query.execution_options(populate_existing=True)).one()
        if found.expired:
            return None
        units = images.units(self.id, self.after, _UNITS_A_COMMIT)
        if not units:
            return None
        locked = Units(found, self.subject, units, self.reason)
        return {unit[0].unit: locked.undo(unit) for unit in units}

    def _keep(self, outcomes: dict[uuid.UUID, Outcome]) -> dict[str, int]:
        """What stays is noted, what does not stay is no longer the run's; with the checkpoint."""
        counts = dict(self.counts)
        notes = []
        for one in outcomes.values():
            counts[one.outcome] += 1
            if one.outcome == STAYS:
                notes.append(
                    {"job_id": self.job.id, "row": counts[STAYS], "rejected": True,
                     "name": one.name[:64], "household_id": None,
                     "notes": [[one.place, one.why]]}
                )  # fmt: skip
        import_notes.add(notes)
        if not self.dry:
            done = [unit for unit, one in outcomes.items() if one.outcome != STAYS]
            images.forget(self.id, done)
        after = list(outcomes)[-1].hex
        self.job.save({"counts": counts, "total": self.total, "after": after})
        return counts

    def _finish(self) -> dict[str, Any]:
        result: dict[str, Any] = {**self.counts, "workbook": None}
        if self.counts[STAYS]:
            result["workbook"] = self._workbook()
        if not self.dry and not (self.job.checkpoint or {}).get("told"):
            with transaction():
                self._tell()
                self.job.save({"counts": self.counts, "total": self.total, "told": True})
        return result

    def _workbook(self) -> str:
        """What stays, and why."""
        name = _("撤回导入-保留的记录") + ".xlsx"
        heads = ((_("序号"), 8), (_("名称"), 20), (_("所在行政区划"), 40), (_("保留的原因"), 60))
        with tempfile.TemporaryFile() as file:
            with Book(file) as book:
                columns = [Column((label,), width) for label, width in heads]
                book.table(_("保留的记录"), columns, self._kept_rows())
            file.seek(0)
            self.job.attach(file, name, MEDIA_TYPE)
        return name

    def _kept_rows(self) -> Iterator[Sequence[str | int]]:
        for note in import_notes.notes_of(self.job.id):
            for place, why in note.notes:
                yield note.row, note.name, place, why

    def _tell(self) -> None:
        """The log, and those in whose name it was imported."""
        actor = policy.require(*self.subject)
        found = db.session.get_one(ImportRun, self.id, populate_existing=True, with_for_update=True)
        found.taken_at, found.taken_by, found.reason = now(), actor.name, self.reason
        found.gone += self.counts[GONE]
        found.restored += self.counts[RESTORED]
        imported = db.session.get_one(Job, self.id)
        detail = {"taken_back": str(self.id), "file": imported.subject, "reason": self.reason}
        detail |= {name: self.counts[name] for name in (GONE, RESTORED, STAYS)}
        register = found.register or imported.kind.partition(".")[0]
        audit.record(db.session, Act.TAKE_BACK, register=register, path=found.path, detail=detail)
        if imported.account_id != actor.account_id:
            home = notices.home_of(db.session(), imported.account_id)
            if home is not None:
                notices.tell(
                    db.session(), home, NoticeKind.TAKEN_BACK, f"/exchange/imports/{self.id}/",
                    who=actor.name, name=imported.subject, reason=self.reason,
                )  # fmt: skip
