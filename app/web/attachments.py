"""Photos and papers of a record over HTTP; a file is reached only through its owner's area."""

from __future__ import annotations

import io
import uuid
from typing import BinaryIO

from flask import Response, request, send_file
from flask_appbuilder import BaseView, expose
from PIL import Image

from app.access import audit, policy
from app.access.actor import Capability
from app.access.audit import Act
from app.core.db import db
from app.core.errors import NotFound
from app.core.i18n import _
from app.core.storage import storage
from app.registry.attachments import Attachment

THUMB_SIDE = 360


class FileView(BaseView):
    """``/files/<id>`` and its thumbnail; a file outside the account's area does not exist."""

    route_base = "/files"

    @expose("/<uuid:file_id>")
    def show(self, file_id: uuid.UUID) -> Response:
        attachment = _readable(file_id)
        if seen := _seen(attachment):
            return seen
        return _send(storage().open(attachment.key), attachment, attachment.mime)

    @expose("/<uuid:file_id>/thumb")
    def thumb(self, file_id: uuid.UUID) -> Response:
        attachment = _readable(file_id)
        if not attachment.mime.startswith("image/"):
            raise NotFound(_("这个文件没有缩略图。"))
        if seen := _seen(attachment):
            return seen
        small = io.BytesIO()
        with storage().open(attachment.key) as stream, Image.open(stream) as image:
            image.draft("RGB", (THUMB_SIDE, THUMB_SIDE))
            image.thumbnail((THUMB_SIDE, THUMB_SIDE))
            image.save(small, "JPEG", quality=80)
        small.seek(0)
        return _send(small, attachment, "image/jpeg")


def _readable(file_id: uuid.UUID) -> Attachment:
    attachment = db.session.get(Attachment, file_id)  # the scope guard hides foreign ones
    if attachment is None:
        audit.note(Act.REFUSED, detail={"file": str(file_id)})
        raise NotFound(_("没有找到该文件。它可能不存在，或不在您的管辖范围内。"), noted=True)
    policy.require(Capability.SEARCH, attachment.register, attachment)
    return attachment


def _seen(attachment: Attachment) -> Response | None:
    """Nothing but a 304 where the browser holds the bytes of this id, which never change."""
    if str(attachment.id) not in request.if_none_match:
        return None
    return _guarded(Response(status=304), attachment)


def _guarded(response: Response, attachment: Attachment) -> Response:
    """A browser may keep it but asks each time: the next to use it may have no right to it."""
    response.set_etag(str(attachment.id))
    response.headers["Cache-Control"] = "private, no-cache"
    return response


def _send(stream: BinaryIO, attachment: Attachment, mime: str) -> Response:
    response = send_file(
        stream, mimetype=mime, download_name=attachment.name,
        as_attachment=request.args.get("download") == "1", etag=False,
    )  # fmt: skip
    return _guarded(response, attachment)
