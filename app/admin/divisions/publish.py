"""立即生效: all that is pending inside an area becomes the tree, in one transaction.

Whatever names a division follows at once: paths, counties and provinces of every table
(app.admin.divisions.moves), counters and kept days (division_counts), full names below, history.
Killed half-way, nothing happened; a job does it again from the beginning.
"""

from __future__ import annotations

from collections import Counter as Tally
from typing import Any

from sqlalchemy import select

from app.access import policy
from app.access.actor import Capability
from app.access.divisions.former import ChangeKind, RegionChange
from app.access.divisions.regions import Region, in_subtree
from app.admin.divisions import holdings as division_holdings
from app.admin.divisions import moves as region_moves
from app.admin.divisions.history import Wanted
from app.admin.divisions.publication import Progress, Publication, moves
from app.admin.divisions.reading import inside, visible
from app.core.db import db
from app.core.errors import NotFound
from app.core.i18n import _
from app.core.jobs.table import Job, JobContext, JobState, Owner, enqueue, job_kind
from app.core.transactions import transaction

KIND = "divisions.publish"
SMALL = 2_000  # divisions and records touched: more is done by a job


def area_of(area_id: int) -> Region:
    """A published division whose changes the actor may publish. :raises NotFound: it is not."""
    found = visible(area_id)
    if found.region is None:
        raise NotFound(_("没有找到该行政区划，或它不在您的管辖范围内。"))
    return found.region


def is_small(area: Region) -> bool:
    """May it be done while the manager waits?"""
    size = 0
    for change in db.session.scalars(select(RegionChange).where(inside(area)).limit(SMALL + 1)):
        size += 1
        region = db.session.get(Region, change.region_id)
        if size > SMALL or region is None:
            continue
        if change.kind != ChangeKind.CHANGE or change.name != region.name or moves(change, region):
            below = select(Region.id).where(in_subtree(Region.path, region.path)).limit(SMALL)
            size += len(db.session.scalars(below).all())
        if change.kind == ChangeKind.MERGE or moves(change, region):
            size += sum(division_holdings.below(region.path).values())
        if size > SMALL:
            break
    return size <= SMALL


def start(area: Region) -> Job:
    """Queue it, or give the job that does it already; the caller commits."""
    actor = policy.require(Capability.MAINTAIN_REGIONS)
    if (running := running_job(area)) is not None:
        return running
    owner = Owner(actor.account_id, actor.name, actor.path)
    return enqueue(KIND, {"area": area.id}, owner=owner, subject=area.name)


def running_job(area: Region) -> Job | None:
    """The open job that publishes this area."""
    query = select(Job).where(Job.kind == KIND, Job.state.in_((JobState.QUEUED, JobState.RUNNING)))
    return next((j for j in db.session.scalars(query) if j.args["area"] == area.id), None)


@job_kind(KIND, title="行政区划变更生效")
def run(job: JobContext) -> dict[str, Any]:
    """All in one transaction, with the checkpoint that says so."""
    if job.checkpoint:
        return dict(job.checkpoint)
    with transaction():
        result = publish(job.args["area"], job.progress)
        job.save(result)
    return result


def publish(area_id: int, progress: Progress = lambda _done, _total: None) -> dict[str, int]:
    """Do it; the caller commits. Gives how many of each kind took effect.

    :raises NotPublishable: something stands against it; the caller rolls back.
    """
    actor = policy.require(Capability.MAINTAIN_REGIONS)
    region_moves.queue_of_publishers(db.session.connection(), alone=True)
    db.session.expire_all()
    area = area_of(area_id)
    changes = [Wanted.of(c) for c in db.session.scalars(select(RegionChange).where(inside(area)))]
    work = Publication(actor, changes, progress)
    work.run()
    db.session.expire_all()
    return dict(Tally(change.kind.value for change in work.changes))
