"""Pictures on papers: the code that leads back to a page, and photos of records."""

from __future__ import annotations

import io

import segno
from PIL import Image, UnidentifiedImageError

from app.core.errors import BadInput, NotFound
from app.core.files.storage import storage
from app.core.files.uploads import small_picture
from app.kernel.rows.file import Attachment


def code(url: str) -> bytes:
    """A code (SVG) that holds the address; it says nothing of anybody."""
    file = io.BytesIO()
    segno.make(url, error="m", micro=False).save(file, kind="svg", border=1)
    return file.getvalue()


def small(file: Attachment) -> bytes | None:
    """The small JPEG of a photo; None where there is none, where the store has lost it or what it gives is no
    whole picture: the paper says so in its place, and is printed all the same.
    """
    try:
        if file.thumb_key is None:
            if not file.is_photo:
                return None
            with storage().open(file.key) as stream:
                return small_picture(stream)
        with storage().open(file.thumb_key) as stream:
            content = stream.read()
        with Image.open(io.BytesIO(content), formats=["JPEG"]) as picture:
            picture.load()
    except (NotFound, BadInput, UnidentifiedImageError, OSError, SyntaxError):
        return None
    return content
