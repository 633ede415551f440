"""Photos and papers of a record: as pages show them, and over HTTP; a file is reached only through its
owner's area.
"""

from __future__ import annotations

import io
import uuid
from typing import Any, BinaryIO

from flask import Response, request, send_file
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import permission_name

from app.access import policy
from app.access.actor import SYSTEM, Capability
from app.access.audit import log as audit
from app.access.audit.log import Act
from app.access.scope import is_hidden, showing_hidden
from app.core.db import db
from app.core.errors import NotFound
from app.core.files.storage import storage
from app.core.files.uploads import small_picture
from app.core.i18n import _
from app.kernel.declare.field import Field
from app.kernel.records.photo_facts import PhotoFacts
from app.kernel.rows.file import Attachment
from app.web.frame.addresses import takes


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


class FileView(BaseView):
    """``/files/<id>`` and its thumbnail; a file outside the account's area does not exist."""

    route_base = "/files"
    class_permission_name = SYSTEM

    @expose("/<uuid:file_id>")
    @takes("v", "download")
    @permission_name(Capability.SEARCH)
    def show(self, file_id: uuid.UUID) -> Response:
        attachment = _readable(file_id)
        if seen := _seen(attachment):
            return seen
        return _send(storage().open(attachment.key), attachment, attachment.mime)

    @expose("/<uuid:file_id>/thumb")
    @takes("v", "download")
    @permission_name(Capability.SEARCH)
    def thumb(self, file_id: uuid.UUID) -> Response:
        attachment = _readable(file_id)
        if attachment.thumb_key is None and not attachment.is_photo:
            raise NotFound(_("这个文件没有缩略图。"))
        if seen := _seen(attachment):
            return seen
        if attachment.thumb_key is not None:
            return _send(storage().open(attachment.thumb_key), attachment, "image/jpeg")
        with storage().open(attachment.key) as stream:  # from before there were any
            return _send(io.BytesIO(small_picture(stream)), attachment, "image/jpeg")


def _readable(file_id: uuid.UUID) -> Attachment:
    with showing_hidden():
        attachment = db.session.get(Attachment, file_id)  # the scope guard hides foreign ones
    if attachment is None or not _may_see(attachment):
        audit.note(Act.REFUSED, detail={"file": str(file_id)})
        raise NotFound(_("没有找到该文件。它可能不存在，或不在您的管辖范围内。"), noted=True)
    policy.require(Capability.SEARCH, attachment.register, attachment)
    return attachment


def _may_see(attachment: Attachment) -> bool:
    """What was deleted with its record is for those who may restore it."""
    restores = policy.may(Capability.RESTORE, attachment.register, attachment)
    return restores or not is_hidden(attachment)


def _seen(attachment: Attachment) -> Response | None:
    """Nothing but a 304 where the browser holds these bytes: a turned photo has others."""
    if attachment.sha256 not in request.if_none_match:
        return None
    return _guarded(Response(status=304), attachment)


def _guarded(response: Response, attachment: Attachment) -> Response:
    """A browser may keep it but asks each time: the next to use it may have no right to it."""
    response.set_etag(attachment.sha256)
    response.headers["Cache-Control"] = "private, no-cache"
    return response


def _send(stream: BinaryIO, attachment: Attachment, mime: str) -> Response:
    response = send_file(
        stream, mimetype=mime, download_name=attachment.name,
        as_attachment=request.args.get("download") == "1", etag=False,
    )  # fmt: skip
    return _guarded(response, attachment)
