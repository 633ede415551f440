"""A photo without what nobody keeps of it: its decoder sees the picture alone, and what an odd block of
notes, a second picture or a broken profile would do to the decoder cannot happen.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

_JPEG, _PNG = b"\xff\xd8", b"\x89PNG\r\n\x1a\n"
_EXIF = b"Exif\0\0"
_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_ORIENTATION = re.compile(rb"tiff:Orientation(?:=[\"']|>)([1-8])")
#: Segments of a JPEG before its picture: comments and what programs note, but not JFIF (APP0) and Adobe
#: (APP14), which say how the colours are meant.
_NOTES = {0xFE, *range(0xE1, 0xEE), 0xEF}
_SCAN, _END = 0xDA, 0xD9
#: Chunks of a PNG without which it is another picture.
_PICTURE = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"}


@dataclass(frozen=True)
class Bare:
    """``picture`` for the decoder, ``exif`` for :func:`app.core.files.exif.noted`; ``orientation`` is what
    editors write in XMP.
    """

    picture: bytes
    exif: bytes = b""
    orientation: int | None = None


def bare(data: bytes) -> Bare:
    """A JPEG or PNG taken apart as far as it can be read; anything else as it is."""
    if data.startswith(_JPEG):
        return _jpeg(data)
    if data.startswith(_PNG):
        return _png(data)
    return Bare(data)


def _jpeg(data: bytes) -> Bare:
    kept, exif, xmp, at = [_JPEG], b"", b"", len(_JPEG)
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:  # fill bytes may stand before a marker
            at += 1
            continue
        length = 2 + int.from_bytes(data[at + 2 : at + 4])
        if marker in {_SCAN, _END} or at + length > len(data):
            break
        body = data[at + 4 : at + length]
        if marker not in _NOTES:
            kept.append(data[at : at + length])
        elif body.startswith(_EXIF):
            exif = exif or body
        elif body.startswith(_XMP):
            xmp = xmp or body
        at += length
    kept.append(data[at:])
    return Bare(b"".join(kept), exif, _orientation(xmp))


def _png(data: bytes) -> Bare:
    kept, exif, at = [_PNG], b"", len(_PNG)
    while at + 12 <= len(data):
        length, name = struct.unpack_from(">I4s", data, at)
        end = at + 12 + length
        if name in _PICTURE:
            kept.append(data[at:end])
        elif name == b"eXIf":
            exif = exif or data[at + 8 : end - 4]
        at = end
        if name == b"IEND":
            break
    return Bare(b"".join(kept), exif)


def _orientation(xmp: bytes) -> int | None:
    found = _ORIENTATION.search(xmp)
    return int(found[1]) if found else None
