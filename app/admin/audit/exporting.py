"""The audit log to Excel, in the background: what a search finds, masked as on the screen.

Entries stream in bounded memory. A run that was killed starts again: it has written nothing but its
own temporary file.
"""

from __future__ import annotations

import datetime as dt
import tempfile
import uuid
from collections.abc import Iterator
from typing import Any

from sqlalchemy import select

from app.access import policy
from app.access.actor import Capability
from app.access.audit import log as audit
from app.access.audit import search as audit_search
from app.access.audit.log import Act, AuditEntry
from app.access.audit.search import Found, Search
from app.access.divisions.regions import Region
from app.core.clock import local, today
from app.core.db import db
from app.core.errors import BadInput, NotFound
from app.core.i18n import _, lazy
from app.core.jobs.table import Job, JobContext, Owner, enqueue, job_kind
from app.kernel.exchange.reasons import required_reason
from app.kernel.exchange.writer import MEDIA_TYPE, Book, Cell, Column
from app.kernel.households import audit_words

KIND = "audit.export"
MOST_ROWS = 1_000_000
_HEADS = (
    (lazy("时间"), 20),
    (lazy("账号"), 26),
    (lazy("操作"), 14),
    (lazy("行政区划"), 30),
    (lazy("模块"), 22),
    (lazy("记录编号"), 36),
    (lazy("内容"), 60),
    (lazy("网络地址"), 16),
)


def start(search: Search, found: Found, reason: str, words: dict[str, str]) -> Job:
    """Queue the export of what the search finds, which was ``found``; ``words`` are its filters, for
    the log.

    :raises Forbidden: without the right to read the log. :raises BadInput: no reason.
    """
    actor = policy.require(Capability.AUDIT)
    if not search.path.startswith(actor.path):
        raise NotFound(_("没有找到该行政区划，或不在您的管辖范围内。"))
    reason = required_reason(reason)
    count = f"{found.count:,}" + ("+" if found.capped else "")
    detail = {"filter": words, "rows": count, "reason": reason}
    audit.record(db.session, Act.EXPORT, path=search.path, detail=detail)
    return enqueue(
        KIND,
        _to_json(search),
        owner=Owner(actor.account_id, actor.name, actor.path),
        subject=_("（%(n)s 条）", n=count),
    )


@job_kind(KIND, title="导出审计日志")
def run(job: JobContext) -> dict[str, Any]:
    """Write the workbook and attach it."""
    search = _from_json(job.args)
    actor = policy.require(Capability.AUDIT)
    if not search.path.startswith(actor.path):
        raise NotFound(_("没有找到该行政区划，或不在您的管辖范围内。"))
    with tempfile.TemporaryFile() as file:
        with Book(file) as book:
            columns = [Column((str(head),), width) for head, width in _HEADS]
            rows = book.table(_("审计日志"), columns, _rows(search, job), frozen_columns=1)
        file.seek(0)
        job.attach(file, f"{_('审计日志')}_{today():%Y%m%d}.xlsx", MEDIA_TYPE)
    return {"rows": rows}


def _rows(search: Search, job: JobContext) -> Iterator[tuple[Cell, ...]]:
    places: dict[str, str] = {}
    done = 0
    for entries in audit_search.stream(db.session, search):
        learn_places(places, entries)
        for entry in entries:
            yield (
                f"{local(entry.at):%Y-%m-%d %H:%M:%S}",
                entry.account_name,
                entry.act.label,
                places.get(entry.path or "", ""),
                audit_words.register_title(entry.register),
                str(entry.record_id) if entry.record_id else None,
                audit_words.full(entry),
                entry.address,
            )
        done += len(entries)
        if done > MOST_ROWS:
            raise BadInput(_("一次最多导出 %(most)s 条，请缩小范围。", most=f"{MOST_ROWS:,}"))
        job.further(done, max(done + 1, audit_search.CAP))


def learn_places(places: dict[str, str], entries: list[AuditEntry]) -> None:
    """Read the full names of the divisions that entries name; one statement for what is new."""
    wanted = {e.path for e in entries if e.path} - places.keys()
    if wanted:
        query = select(Region.path, Region.full_name).where(
            Region.path.in_(wanted), ~Region.structural
        )
        places.update(dict.fromkeys(wanted, ""))
        places.update((path, name) for path, name in db.session.execute(query))


def _to_json(search: Search) -> dict[str, Any]:
    return {
        "path": search.path,
        "acts": [act.value for act in search.acts],
        "accounts": search.accounts and [str(key) for key in search.accounts],
        "records": search.records and [str(key) for key in search.records],
        "register": search.register,
        "since": search.since and search.since.isoformat(),
        "until": search.until and search.until.isoformat(),
    }


def _from_json(args: dict[str, Any]) -> Search:
    def keys(name: str) -> tuple[uuid.UUID, ...] | None:
        return None if args[name] is None else tuple(uuid.UUID(key) for key in args[name])

    def moment(name: str) -> dt.datetime | None:
        return dt.datetime.fromisoformat(args[name]) if args[name] else None

    return Search(
        path=args["path"],
        acts=tuple(Act(act) for act in args["acts"]),
        accounts=keys("accounts"),
        records=keys("records"),
        register=args["register"],
        since=moment("since"),
        until=moment("until"),
    )
