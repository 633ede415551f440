"""Uploads judged by their content: photos are decoded and encoded anew, papers are PDF or photos.

Encoding anew is what makes a photo safe: nothing that hid behind or inside the picture (scripts,
archives, metadata) survives it. Orientation is applied, and what the camera noted of time, place
and itself is handed to the caller before it is lost.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import re
import struct
import warnings
import zipfile
import zlib
from dataclasses import dataclass, replace
from typing import BinaryIO, Literal

import pillow_heif
from PIL import Image, ImageOps

from app.core.errors import BadInput
from app.core.files.paper_formats import PaperRefused, read_paper
from app.core.i18n import translate

MAX_BYTES = 20 * 1024 * 1024
MAX_PIXELS = 40_000_000
STORED_BYTES = 1024 * 1024
STORED_SIDE = 2560
THUMB_SIDE = 360
#: Quarter turns clockwise, in degrees.
TURNS = (0, 90, 180, 270)

Image.MAX_IMAGE_PIXELS = MAX_PIXELS
warnings.simplefilter("error", Image.DecompressionBombWarning)
pillow_heif.register_heif_opener(thumbnails=False)

_BROKEN = (OSError, ValueError, SyntaxError, EOFError, KeyError, struct.error, zlib.error)
_BOMBS = (Image.DecompressionBombError, Image.DecompressionBombWarning)
_PAGE = re.compile(rb"<(?:html|script|iframe)[\s>]|<!doctype\s+html|<\?php\s", re.IGNORECASE)
_HEIC_BRANDS = {b"heic", b"heix", b"mif1", b"msf1"}
_DEVICE_LENGTH = 60


class Refused(BadInput):
    """The file is not what was asked for; the message says what it is and what to do."""

    code = "upload_refused"


@dataclass(frozen=True)
class Upload:
    """A file fit to be stored, with a small picture of it. ``taken_at`` is the camera's own clock
    (no zone), ``place`` is (latitude, longitude) in degrees of WGS 84; both as the camera claims.
    """

    content: bytes
    suffix: Literal["jpg", "pdf"]
    media_type: str
    sha256: str
    thumb: bytes
    width: int | None = None
    height: int | None = None
    pages: int | None = None
    taken_at: dt.datetime | None = None
    place: tuple[float, float] | None = None
    device: str = ""


def inspect_upload(stream: BinaryIO, kind: Literal["photo", "paper"], turned: int = 0) -> Upload:
    """The file ready to be stored: a JPEG of at most 1 MiB and 2560 px, ``turned`` by degrees of
    :data:`TURNS` from where the camera held it, or a PDF as it came.

    ``paper`` accepts both. Raises :class:`Refused`.
    """
    data = stream.read(MAX_BYTES + 1)
    if not data:
        raise Refused(translate("文件是空的（0字节），请重新选择。"))
    if len(data) > MAX_BYTES:
        raise Refused(translate("文件超过20 MB，请压缩后重新上传。"))
    if data.startswith(b"%PDF-"):
        if kind == "photo":
            raise Refused(translate("这里要的是照片，不是PDF；请上传JPG、PNG、WebP或HEIC照片。"))
        return _paper(data)
    return _photo(data, kind, turned)


def turn_photo(content: bytes, degrees: int) -> Upload:
    """A stored photo turned clockwise by ``degrees`` of :data:`TURNS`; without the camera's facts."""
    with Image.open(io.BytesIO(content), formats=["JPEG"]) as image:
        return _stored(_turned(image, degrees))


def small_picture(stream: BinaryIO) -> bytes:
    """The small JPEG of a stored photo that has none."""
    with Image.open(stream, formats=["JPEG"]) as image:
        image.draft("RGB", (THUMB_SIDE, THUMB_SIDE))
        return _small(image)


def _paper(data: bytes) -> Upload:
    try:
        paper = read_paper(data)
    except PaperRefused as error:
        raise Refused(error.message) from error
    sha256 = hashlib.sha256(data).hexdigest()
    return Upload(data, "pdf", "application/pdf", sha256, paper.thumb, pages=paper.pages)


def _photo(data: bytes, kind: Literal["photo", "paper"], turned: int) -> Upload:
    try:
        with Image.open(io.BytesIO(data), formats=["JPEG", "PNG", "WEBP", "HEIF"]) as image:
            if image.width * image.height > MAX_PIXELS:
                raise Image.DecompressionBombError
            taken_at, place, device = _taken_at(image), _place(image), _device(image)
            image.draft("RGB", (STORED_SIDE, STORED_SIDE))
            image.load()
            picture = _turned(_flat(ImageOps.exif_transpose(image)), turned)
    except _BOMBS as error:
        raise Refused(translate("照片超过4000万像素，请缩小后重新上传。")) from error
    except _BROKEN as error:
        raise Refused(_why_no_photo(data, kind)) from error
    if _hides_another_file(data):
        raise Refused(
            translate("照片文件里夹带了网页、压缩包等其他内容，不能上传；请重新拍摄后上传。")
        )
    return replace(_stored(picture), taken_at=taken_at, place=place, device=device)


def _hides_another_file(data: bytes) -> bool:
    """A picture that is an archive, a paper or a page of the web to another reader. None of it is
    stored, but who sends one is told: it was not made by a camera.
    """
    if b"%PDF-" in data[:1024] or _PAGE.search(data):
        return True
    try:
        with zipfile.ZipFile(io.BytesIO(data)):
            return True
    except (zipfile.BadZipFile, NotImplementedError, *_BROKEN):
        return False


def _why_no_photo(data: bytes, kind: Literal["photo", "paper"]) -> str:
    head = data[:16]
    heic = head[4:8] == b"ftyp" and head[8:12] in _HEIC_BRANDS
    if head[4:8] == b"ftyp" and not heic and not head[8:12].startswith(b"avi"):
        return translate("视频不能上传；请上传JPG、PNG、WebP或HEIC照片。")
    if heic or head.startswith((b"\xff\xd8", b"\x89PNG", b"RIFF")):
        return translate("照片文件损坏或不完整，打不开；请重新拍摄或重新选择。")
    if kind == "photo":
        return translate("这个文件不是照片（扩展名可能改过）；请上传JPG、PNG、WebP或HEIC照片。")
    return translate("只接受PDF文件或JPG、PNG、WebP、HEIC照片；这个文件的内容两者都不是。")


def _flat(image: Image.Image) -> Image.Image:
    """RGB; what was transparent becomes white paper."""
    if image.mode in {"RGBA", "LA", "PA"} or "transparency" in image.info:
        layer = image.convert("RGBA")
        paper = Image.new("RGB", layer.size, "white")
        paper.paste(layer, mask=layer.getchannel("A"))
        return paper
    return image.convert("RGB")


def _turned(image: Image.Image, degrees: int) -> Image.Image:
    way = {
        90: Image.Transpose.ROTATE_270, 180: Image.Transpose.ROTATE_180, 270: Image.Transpose.ROTATE_90,
    }.get(degrees)  # fmt: skip
    return image.transpose(way) if way is not None else image


def _stored(picture: Image.Image) -> Upload:
    picture.info.clear()  # comments and profiles would be written again
    picture.thumbnail((STORED_SIDE, STORED_SIDE), Image.Resampling.LANCZOS)
    content, (width, height) = _encoded(picture)
    sha256 = hashlib.sha256(content).hexdigest()
    return Upload(content, "jpg", "image/jpeg", sha256, _small(picture), width, height)


def _encoded(picture: Image.Image) -> tuple[bytes, tuple[int, int]]:
    """JPEG of at most STORED_BYTES and its size: first less quality, then fewer pixels."""
    while True:
        for quality in (85, 75, 65, 55):
            out = io.BytesIO()
            picture.save(out, "JPEG", quality=quality, optimize=True)
            if out.tell() <= STORED_BYTES:
                return out.getvalue(), picture.size
        picture = picture.resize((picture.width * 4 // 5, picture.height * 4 // 5))


def _small(picture: Image.Image) -> bytes:
    small = picture.copy()
    small.thumbnail((THUMB_SIDE, THUMB_SIDE), reducing_gap=2.0)
    out = io.BytesIO()
    small.save(out, "JPEG", quality=80, optimize=True)
    return out.getvalue()


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
    if latitude == longitude == 0:  # what cameras write that found no satellite
        return None
    return round(latitude, 6), round(longitude, 6)


def _degrees(parts: tuple[float, float, float]) -> float:
    degrees, minutes, seconds = (float(part) for part in parts)
    return degrees + minutes / 60 + seconds / 3600


def _device(image: Image.Image) -> str:
    """Maker and model, as ``HUAWEI LYA-AL00``; empty where the camera says nothing."""
    try:
        exif = image.getexif()
        maker, model = (
            "".join(c for c in str(exif.get(tag, "")) if c.isprintable()).strip()
            for tag in (0x010F, 0x0110)
        )
    except _BROKEN:
        return ""
    named = model if model.lower().startswith(maker.lower()) else f"{maker} {model}"
    return named.strip()[:_DEVICE_LENGTH]
