"""Uploads judged by their content: photos are decoded and encoded anew, papers are PDF or photos.

Encoding anew is what makes a photo safe: nothing that hid behind or inside the picture (scripts,
archives, metadata) survives it. Orientation is applied, and the time and place that the camera
noted are handed to the caller before they are lost.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import re
import struct
import warnings
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Literal

from PIL import Image, ImageOps

from app.core.errors import BadInput
from app.core.i18n import translate

MAX_BYTES = 20 * 1024 * 1024
MAX_PIXELS = 40_000_000
STORED_BYTES = 1024 * 1024
STORED_SIDE = 2560

Image.MAX_IMAGE_PIXELS = MAX_PIXELS
warnings.simplefilter("error", Image.DecompressionBombWarning)

_BROKEN = (OSError, ValueError, SyntaxError, EOFError, KeyError, struct.error, zlib.error)
_BOMBS = (Image.DecompressionBombError, Image.DecompressionBombWarning)
_PDF_END = re.compile(rb"startxref\s+\d+\s+%%EOF[\s\0]*\Z")
_OBJECT_STREAM = re.compile(rb"/ObjStm\b(?:(?!endobj).){0,400}?stream\r?\n", re.DOTALL)
_NAME_CODE = re.compile(rb"#([0-9A-Fa-f]{2})")
_MOST_PDF_OBJECTS = 32 * 1024 * 1024
_PDF_ACTIVE = re.compile(rb"/(JavaScript|JS|Launch|EmbeddedFiles?|RichMedia)\b")


class Refused(BadInput):
    """The file is not what was asked for; the message says what it is and what to do."""

    code = "upload_refused"


@dataclass(frozen=True)
class Upload:
    """A file fit to be stored. ``taken_at`` is the camera's own clock (no zone), ``place`` is
    (latitude, longitude) in degrees of WGS 84; both as the camera claims.
    """

    content: bytes
    suffix: Literal["jpg", "pdf"]
    media_type: str
    sha256: str
    width: int | None = None
    height: int | None = None
    taken_at: dt.datetime | None = None
    place: tuple[float, float] | None = None


def inspect_upload(stream: BinaryIO, kind: Literal["photo", "paper"]) -> Upload:
    """The file ready to be stored: a JPEG of at most 1 MiB and 2560 px, or a PDF as it came.

    ``paper`` accepts both. Raises :class:`Refused`.
    """
    data = stream.read(MAX_BYTES + 1)
    if not data:
        raise Refused(translate("文件是空的（0字节），请重新选择。"))
    if len(data) > MAX_BYTES:
        raise Refused(translate("文件超过20 MB，请压缩后重新上传。"))
    if data.startswith(b"%PDF-"):
        if kind == "photo":
            raise Refused(translate("这里要的是照片，不是PDF；请上传JPG、PNG或WebP照片。"))
        return _paper(data)
    return _photo(data, kind)


def _paper(data: bytes) -> Upload:
    if not _PDF_END.search(data[-2048:]):
        raise Refused(translate("PDF文件不完整，或末尾夹带了其他内容，请重新扫描或导出后上传。"))
    if b"/Encrypt" in data:
        raise Refused(translate("PDF文件设有密码，请去掉密码后上传。"))
    if any(_PDF_ACTIVE.search(_without_codes(part)) for part in _pdf_parts(data)):
        raise Refused(translate("PDF文件中含有脚本或附件，请另存为普通PDF后上传。"))
    return Upload(data, "pdf", "application/pdf", hashlib.sha256(data).hexdigest())


def _pdf_parts(data: bytes) -> Iterator[bytes]:
    """The file, and what its compressed object streams hold."""
    yield data
    left = _MOST_PDF_OBJECTS
    for head in _OBJECT_STREAM.finditer(data):
        try:
            part = zlib.decompressobj().decompress(data[head.end() :], left + 1)
        except zlib.error:
            continue  # packed another way, which no viewer we know of reads as scripts
        left -= len(part)
        if left < 0:
            raise Refused(translate("PDF文件解开后过大，请重新扫描或导出后上传。"))
        yield part


def _without_codes(part: bytes) -> bytes:
    """``/J#61vaScript`` is ``/JavaScript`` to a viewer."""
    return _NAME_CODE.sub(lambda code: bytes.fromhex(code[1].decode()), part)


def _photo(data: bytes, kind: Literal["photo", "paper"]) -> Upload:
    try:
        with Image.open(io.BytesIO(data), formats=["JPEG", "PNG", "WEBP"]) as image:
            if image.width * image.height > MAX_PIXELS:
                raise Image.DecompressionBombError
            taken_at, place = _taken_at(image), _place(image)
            image.draft("RGB", (STORED_SIDE, STORED_SIDE))
            image.load()
            picture = _flat(ImageOps.exif_transpose(image))
    except _BOMBS as error:
        raise Refused(translate("照片超过4000万像素，请缩小后重新上传。")) from error
    except _BROKEN as error:
        raise Refused(_why_no_photo(data, kind)) from error
    picture.info.clear()  # comments and profiles would be written again
    picture.thumbnail((STORED_SIDE, STORED_SIDE), Image.Resampling.LANCZOS)
    content, (width, height) = _encoded(picture)
    sha256 = hashlib.sha256(content).hexdigest()
    return Upload(content, "jpg", "image/jpeg", sha256, width, height, taken_at, place)


def _why_no_photo(data: bytes, kind: Literal["photo", "paper"]) -> str:
    head = data[:16]
    if head[4:8] == b"ftyp":
        return translate(
            "HEIC照片或视频不能上传；请在手机相机设置中选“兼容性最佳”，或另存为JPG后上传。"
        )
    if head.startswith((b"\xff\xd8", b"\x89PNG", b"RIFF")):
        return translate("照片文件损坏或不完整，打不开；请重新拍摄或重新选择。")
    if kind == "photo":
        return translate("这个文件不是照片（扩展名可能改过）；请上传JPG、PNG或WebP照片。")
    return translate("只接受PDF文件或JPG、PNG、WebP照片；这个文件的内容两者都不是。")


def _flat(image: Image.Image) -> Image.Image:
    """RGB; what was transparent becomes white paper."""
    if image.mode in {"RGBA", "LA", "PA"} or "transparency" in image.info:
        layer = image.convert("RGBA")
        paper = Image.new("RGB", layer.size, "white")
        paper.paste(layer, mask=layer.getchannel("A"))
        return paper
    return image.convert("RGB")


def _encoded(picture: Image.Image) -> tuple[bytes, tuple[int, int]]:
    """JPEG of at most STORED_BYTES and its size: first less quality, then fewer pixels."""
    while True:
        for quality in (85, 75, 65, 55):
            out = io.BytesIO()
            picture.save(out, "JPEG", quality=quality, optimize=True)
            if out.tell() <= STORED_BYTES:
                return out.getvalue(), picture.size
        picture = picture.resize((picture.width * 4 // 5, picture.height * 4 // 5))


def _taken_at(image: Image.Image) -> dt.datetime | None:
    """What the camera says, or None: odd metadata is no reason to refuse a photo."""
    try:
        exif = image.getexif()
        text = exif.get_ifd(0x8769).get(0x9003) or exif.get(0x0132)
        return dt.datetime.strptime(str(text).strip("\0 "), "%Y:%m:%d %H:%M:%S")  # noqa: DTZ007
    except _BROKEN:
        return None


def _place(image: Image.Image) -> tuple[float, float] | None:
    try:
        gps = image.getexif().get_ifd(0x8825)
        latitude = _degrees(gps[2]) * (-1 if str(gps.get(1, "N")).startswith("S") else 1)
        longitude = _degrees(gps[4]) * (-1 if str(gps.get(3, "E")).startswith("W") else 1)
    except (*_BROKEN, TypeError, ZeroDivisionError):
        return None
    if not (abs(latitude) <= 90 and abs(longitude) <= 180):  # also refuses NaN
        return None
    return round(latitude, 6), round(longitude, 6)


def _degrees(parts: tuple[float, float, float]) -> float:
    degrees, minutes, seconds = (float(part) for part in parts)
    return degrees + minutes / 60 + seconds / 3600
