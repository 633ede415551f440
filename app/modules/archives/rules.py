"""What of an archive follows from what its form and its photos say (spec 06)."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import object_session

from app.kernel.rows.file import Attachment
from app.modules.archives.choices import ArchiveStage, PovertyKind
from app.modules.archives.model import Archive


def derive(archive: Archive) -> None:
    """The stage follows from which dates are given; a poor disabled family is one by its kind."""
    archive.progress = stage_of(archive)
    if archive.poverty_kind == PovertyKind.DISABLED:
        archive.disabled_poor = True


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
