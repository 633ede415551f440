"""What of an archive follows from what its form says (spec 06)."""

from __future__ import annotations

from app.modules.archives.choices import ArchiveStage, PovertyKind
from app.modules.archives.model import Archive


def derive(archive: Archive) -> None:
    """The stage follows from which dates are given; a poor disabled family is one by its kind."""
    archive.progress = stage_of(archive)
    if archive.poverty_kind == PovertyKind.DISABLED:
        archive.disabled_poor = True


def stage_of(archive: Archive) -> ArchiveStage:
    """Completed where there is a day of completion, else started, else approved."""
    if archive.completed_on:
        return ArchiveStage.COMPLETED
    return ArchiveStage.STARTED if archive.started_on else ArchiveStage.APPROVED
