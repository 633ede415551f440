"""What the form sends of files: taken in, turned."""

from __future__ import annotations

import uuid
from typing import Any, BinaryIO, cast

from flask import jsonify, request
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import permission_name

from app.access.actor import Capability
from app.core.db import db
from app.core.errors import BadInput, Conflict
from app.core.i18n import _
from app.core.transactions import transaction
from app.kernel.beyond.same_photos import same_photo
from app.kernel.declare.register import Register
from app.kernel.records import files as attachments
from app.kernel.records import save as records
from app.kernel.records.files import Received, Sent, Turned
from app.kernel.records.photo_facts import PhotoFacts
from app.kernel.rows.file import Attachment
from app.kernel.rows.reading import values_of
from app.web.register.file_view import file_tile
from app.web.register.parsing import parse_uuid
from app.web.register.shared import Routes


class FileRoutes(Routes):
    """The routes of a record's files. To a script a file is the data of :func:`file_tile`."""

    @classmethod
    def of(cls, register: Register) -> frozenset[str]:
        if not register.file_fields:
            return frozenset()
        return super().of(register) - (set() if register.renewal else {"reuse"})

    @expose("/<uuid:record_id>/files/<string:field>", methods=["POST"])
    @permission_name(Capability.ENTER)
    def upload(self, record_id: uuid.UUID, field: str) -> Any:
        """One file: ``file``, and what its sender calls it (``key``), how far it turned it
        (``turned``, degrees). The answer has beside the tile where the ``same`` picture stands already,
        and the ``facts`` of which the form's rules ask as they are now; to a file that was refused it has
        an ``error``.
        """
        file = request.files.get("file")
        if file is None:
            raise BadInput(_("没有收到文件，请重新选择。"))
        sent = Sent(
            cast(BinaryIO, file.stream),
            file.filename or "",
            parse_uuid(request.form.get("key", "")),
            _quarter(request.form.get("turned", "0")),
        )
        try:
            made = attachments.receive(self.register, record_id, field, sent)
            if isinstance(made, Received):
                with transaction():
                    made = attachments.add(self.register, record_id, made)
        except (BadInput, Conflict) as error:
            return jsonify(error=error.message), error.status
        return self._tile(record_id, made, uploaded=True)

    @expose("/<uuid:record_id>/files/<string:field>/reuse", methods=["POST"])
    @permission_name(Capability.ENTER)
    def reuse(self, record_id: uuid.UUID, field: str) -> Any:
        """The papers of the record before, taken over into this field."""
        try:
            copied = attachments.copies(self.register, record_id, field)
            with transaction():
                added = attachments.reuse(self.register, record_id, field, copied)
        except (BadInput, Conflict) as error:
            return jsonify(error=error.message), error.status
        row = records.get(self.register, record_id)
        facts = PhotoFacts(db.session(), row, values_of(row))
        return jsonify([file_tile(file, self.register.fields[field], facts) for file in added])

    @expose("/<uuid:record_id>/turn", methods=["POST"])
    @permission_name(Capability.ENTER)
    def turn(self, record_id: uuid.UUID) -> Any:
        """A ``photo``, by its id, to stand ``turned`` degrees from where the camera held it."""
        file_id = parse_uuid(request.form.get("photo", ""))
        if file_id is None:
            raise BadInput(_("没有找到该照片，它可能已被移除。"))
        try:
            by = _quarter(request.form.get("turned", ""))
            made = attachments.turned(self.register, record_id, file_id, by)
            if isinstance(made, Turned):
                with transaction():
                    made = attachments.turn(self.register, made)
        except (BadInput, Conflict) as error:
            return jsonify(error=error.message), error.status
        return self._tile(record_id, made)

    def _tile(self, record_id: uuid.UUID, file: Attachment, uploaded: bool = False) -> Any:
        row = records.get(self.register, record_id)
        facts = PhotoFacts(db.session(), row, values_of(row))
        tile = file_tile(file, self.register.fields[file.field], facts)
        if uploaded:
            said = records.facts_json(self.register, row, records.evaluate(self.register, row))
            tile |= {"same": same_photo(self.register, row, file), "facts": said}
        return jsonify(tile)


def _quarter(text: str) -> int:
    """Degrees as sent; what is no number is no quarter turn either."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 4 else -1
