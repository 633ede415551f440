"""What every page shows of a file."""

from __future__ import annotations

from typing import Any

from app.core.i18n import _
from app.kernel.declare.field import Field
from app.kernel.records.photo_facts import PhotoFacts
from app.kernel.rows.file import Attachment


def file_tile(file: Attachment, made: Field, facts: PhotoFacts | None) -> dict[str, Any]:
    """One file for the macros of ``register/_photos.html`` and for scripts: ``url`` large, ``thumb``
    small, ``note`` what the camera said, ``warnings`` where that does not fit the record;
    ``other_day`` is the one of them that depends on the date typed in.
    """
    url = f"/files/{file.id}"
    mark = f"?v={file.sha256[:8]}"  # a turned photo is another picture
    said = facts.of(made, file) if facts else None
    return {
        "id": str(file.id),
        "url": url + mark,
        "thumb": f"{url}/thumb{mark}" if file.thumb_key or file.is_photo else None,
        "photo": file.is_photo,
        "name": file.name,
        "turned": file.turned,
        "width": file.width,
        "height": file.height,
        "note": said.note if said else (_("共%(n)s页", n=file.pages) if file.pages else ""),
        "taken_on": f"{file.taken_at:%Y-%m-%d}" if said and file.taken_at else "",
        "other_day": said.other_day if said else "",
        "elsewhere": said.elsewhere if said else "",
        "warnings": said.warnings if said else [],
    }
