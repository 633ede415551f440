"""What of an archive follows from what its form and its photos say (spec 06)."""

from __future__ import annotations

import datetime as dt
from typing import cast

from sqlalchemy import func, inspect, select
from sqlalchemy.orm import InstanceState, object_session

from app.access import settings
from app.access.divisions.regions import NATION_PATH
from app.access.scope import current_actor
from app.access.settings import NUMBER, Setting
from app.core.clock import today
from app.core.i18n import mark
from app.kernel.rows.file import Attachment
from app.modules.archives.choices import ArchiveStage, PovertyKind
from app.modules.archives.model import Archive

#: Within how many days an archive is to be entered, and its completion told (spec 06 "及时率").
ENTERED_WITHIN = settings.declare(
    Setting(
        "archive.entered_within", mark("批准后录入的天数"), NUMBER, 15, lowest=1, highest=365,
        unit=mark("天"), help=mark("批准之日起在此天数内录入的，计为录入及时。修改后用于此后保存的档案。"),
    )
)  # fmt: skip
COMPLETED_WITHIN = settings.declare(
    Setting(
        "archive.completed_within", mark("竣工后录入的天数"), NUMBER, 15, lowest=1, highest=365,
        unit=mark("天"), help=mark("竣工之日起在此天数内录入竣工日期的，计为录入及时。修改后用于此后保存的档案。"),
    )
)  # fmt: skip


def derive(archive: Archive) -> None:
    """The stage follows from which dates are given; a poor disabled family is one by its kind."""
    archive.progress = stage_of(archive)
    if archive.poverty_kind == PovertyKind.DISABLED:
        archive.disabled_poor = True
    _note_days(archive)
    archive.timely = timely(archive)


def derive_of_photos(archive: Archive) -> None:
    """When the last photo of before was taken, and the first one of after: as cameras say it."""
    session = object_session(archive)
    if session is None:
        return
    taken = Attachment.taken_at
    query = select(Attachment.field, func.min(taken), func.max(taken)).where(
        Attachment.record_id == archive.id, taken.is_not(None)
    )
    days = {field: pair for field, *pair in session.execute(query.group_by(Attachment.field))}
    _first, last = days.get("photos_before", (None, None))
    first, _last = days.get("photos_after", (None, None))
    archive.before_taken = last.date() if last else None
    archive.after_taken = first.date() if first else None


def stage_of(archive: Archive) -> ArchiveStage:
    """Completed where there is a day of completion, else started, else approved."""
    if archive.completed_on:
        return ArchiveStage.COMPLETED
    return ArchiveStage.STARTED if archive.started_on else ArchiveStage.APPROVED


def _note_days(archive: Archive) -> None:
    """When a clerk enters it, and when of its completion is told first: what an import brings was entered
    elsewhere, nobody knows when.
    """
    actor, state = current_actor(), cast("InstanceState[Archive]", inspect(archive))
    if not state.persistent and actor is not None and not actor.in_job:
        archive.entered_on = archive.entered_on or today()
    if archive.completed_on is None:
        archive.completion_told_on = None
    else:
        archive.completion_told_on = archive.completion_told_on or today()


def timely(archive: Archive) -> bool | None:
    """Was it entered soon after its approval, and its completion told soon? None: it is not asked, as of
    what was imported or has no day of approval.
    """
    if archive.entered_on is None or archive.approved_on is None:
        return None
    pairs = (
        (ENTERED_WITHIN, archive.approved_on, archive.entered_on),
        (COMPLETED_WITHIN, archive.completed_on, archive.completion_told_on),
    )
    return all(
        told <= day + dt.timedelta(days=int(settings.value(setting.name, NATION_PATH)))
        for setting, day, told in pairs
        if day is not None and told is not None
    )
