"""Searches for which an area is too large to be answered at once: a job looks through it county by
county and keeps what it found (:mod:`app.kernel.lists.results`), until it expires.

What was found is kept together with the county up to which it has looked, so a killed worker's
successor goes on there. Rows are read with the rights that the account has when it looks at them.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import delete, func, select
from werkzeug.datastructures import MultiDict

from app.access import policy
from app.access.actor import Actor, Capability
from app.core.db import db, upsert
from app.core.errors import BadInput, NotFound
from app.core.i18n import _
from app.core.jobs import table as jobs
from app.core.jobs.table import OPEN_STATES, Job, JobContext, JobState, Owner, job_kind
from app.core.transactions import transaction
from app.kernel.declare.groups import Menu
from app.kernel.declare.register import Register, get_register
from app.kernel.lists.ledger import Ledger
from app.kernel.lists.query import parse
from app.kernel.lists.results import KIND, ResultRow

MOST_ROWS = 200_000
MOST_AT_ONCE = 2  # searches of one account that wait or run
_ROWS_A_STATEMENT = 2000
_LOOKED_AT_ONCE = 20_000  # households
Args = Mapping[str, Sequence[str]]


def start(register: Register, menu: Menu, args: Args, subject: str) -> Job:
    """Queue the search of what ``args`` (a list's address) ask for, ``subject`` in words. The same
    search that is still open is not begun twice. The caller commits.

    :raises BadInput: too many are open.
    """
    actor = policy.require(Capability(menu.capability), register.name)
    _ledger(register, args, actor).conditions()  # what cannot be read is said now
    asked = {
        "register": register.name,
        "menu": menu.name,
        "args": {name: list(values) for name, values in args.items()},
    }
    mine = (Job.account_id == actor.account_id, Job.kind == KIND, Job.state.in_(OPEN_STATES))
    there = list(db.session.scalars(select(Job).where(*mine)))
    if same := next((job for job in there if job.args == asked), None):
        return same
    if len(there) >= MOST_AT_ONCE:
        raise BadInput(_("您已有 %(n)s 个查询在进行，请等它们完成，或先取消。", n=len(there)))
    owner = Owner(actor.account_id, actor.name, actor.path)
    return jobs.enqueue(KIND, asked, owner=owner, subject=subject[:150])


def own(register: Register, key: str) -> Job:
    """The account's search of that key; another's does not exist."""
    actor = policy.require(Capability.SEARCH, register.name)
    try:
        job = db.session.get(Job, uuid.UUID(key))
    except ValueError:
        job = None
    if (
        job is None
        or (job.kind, job.account_id) != (KIND, actor.account_id)
        or job.args["register"] != register.name
    ):
        raise NotFound(_("没有找到这次查询的结果。它可能已过期，请重新查询。"))
    return job


def is_open(job: Job) -> bool:
    """May its result be looked at: done, and not expired?"""
    return job.state == JobState.DONE and job.expires is not None


def address(job: Job) -> str:
    """The list that shows the result."""
    return f"/{job.args['register']}/{job.args['menu']}?found={job.id}"


def forget(search_id: uuid.UUID) -> None:
    """Drop what a search has found."""
    with transaction():
        db.session.execute(delete(ResultRow).where(ResultRow.search_id == search_id))


@job_kind(KIND, title="后台查询", forget=forget)
def run(job: JobContext) -> dict[str, Any]:
    """Look through one county after the other."""
    register = get_register(job.args["register"])
    if register is None:
        raise BadInput(_("没有这个模块。"))
    actor = policy.require(Capability.SEARCH, register.name)
    found = _ledger(register, job.args["args"], actor)
    counties = found.counties()
    whole = sum(n for _path, n in counties)
    last, looked = (job.checkpoint or {}).get("upto", ""), 0
    for part in _parts(counties):
        looked += sum(n for _path, n in part)
        if part[-1][0] <= last:
            continue
        keys = [key for path, _n in part if path > last for key in found.keys_in(path)]
        rows = _kept(job.id)
        if rows + len(keys) > MOST_ROWS:
            forget(job.id)
            most = f"{MOST_ROWS:,}"
            raise BadInput(_("符合条件的超过 %(most)s 户，请增加条件或缩小地区。", most=most))
        with transaction():
            _add(job.id, rows, keys)
            job.save({"upto": part[-1][0]})
        message = _("已找到 %(n)s 户", n=f"{rows + len(keys):,}")
        job.progress(looked, whole, message)
    return {"rows": _kept(job.id)}


def _parts(counties: Sequence[tuple[str, int]]) -> Iterator[list[tuple[str, int]]]:
    """Counties that are looked through between two commits: some ten thousand households."""
    part: list[tuple[str, int]] = []
    for county in counties:
        part.append(county)
        if sum(n for _path, n in part) >= _LOOKED_AT_ONCE:
            yield part
            part = []
    if part:
        yield part


def _add(search_id: uuid.UUID, position: int, keys: Sequence[uuid.UUID]) -> None:
    """Keep the keys behind ``position``; one that is there already (its county was moved while the
    job ran) stays where it is.
    """
    rows = [
        {"search_id": search_id, "position": position + n, "record_id": key}
        for n, key in enumerate(keys, 1)
    ]
    statement = upsert(db.session, ResultRow).on_conflict_do_nothing()
    for first in range(0, len(rows), _ROWS_A_STATEMENT):
        db.session.connection().execute(statement, rows[first : first + _ROWS_A_STATEMENT])


def _kept(search_id: uuid.UUID) -> int:
    """The last position that is taken."""
    mine = ResultRow.search_id == search_id
    return db.session.scalar(select(func.max(ResultRow.position)).where(mine)) or 0


def _ledger(register: Register, args: Args, actor: Actor) -> Ledger:
    given = MultiDict([(key, value) for key, values in args.items() for value in values])
    return Ledger(register, parse(register, given, db.session, actor), db.session, actor)
