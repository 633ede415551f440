"""Uploads judged by their content: photos are decoded and encoded anew, papers are PDF or photos.

Encoding anew is what makes a photo safe: nothing that hid behind or inside the picture (scripts,
archives, metadata) survives it. Orientation is applied, and what the camera noted of time, place
and itself is handed to the caller before it is lost.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import logging
import re
import warnings
import zipfile
from dataclasses import dataclass, replace
from typing import BinaryIO, Literal

import pillow_heif
from PIL import Image, ImageChops

from app.core.errors import BadInput
from app.core.files.bare import bare
from app.core.files.exif import Noted, noted
from app.core.files.paper_formats import PaperRefused, read_paper
from app.core.i18n import translate

MAX_BYTES = 20 * 1024 * 1024
#: What a JPEG may have whose picture is decoded at a smaller size at once, and what else may have.
MAX_PIXELS, MAX_WHOLE_PIXELS = 220_000_000, 65_000_000
STORED_BYTES = 1024 * 1024
STORED_SIDE = 2560
THUMB_SIDE = 360
#: Quarter turns clockwise, in degrees.
TURNS = (0, 90, 180, 270)

Image.MAX_IMAGE_PIXELS = MAX_PIXELS
warnings.simplefilter("error", Image.DecompressionBombWarning)
pillow_heif.register_heif_opener(thumbnails=False)

log = logging.getLogger(__name__)

_BOMBS = (Image.DecompressionBombError, Image.DecompressionBombWarning)
_PAGE = re.compile(rb"<(?:html|script|iframe)[\s>]|<!doctype\s+html|<\?php\s", re.IGNORECASE)
_HEIC_BRANDS = {b"heic", b"heix", b"mif1", b"msf1"}
#: How a picture is turned that stands as Exif says.
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM, 5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE, 8: Image.Transpose.ROTATE_90,
}  # fmt: skip
_TURNS = {
    90: Image.Transpose.ROTATE_270, 180: Image.Transpose.ROTATE_180, 270: Image.Transpose.ROTATE_90,
}  # fmt: skip
#: What may stand for an end mark that is missing: the mark alone, or after data that would fill up a
#: picture of which a part is missing too.
_END = b"\xff\xd9"
_SPARE = b"".join(b"\x55\xaa" * 512 + bytes((0xFF, 0xD0 + n % 8)) for n in range(64)) + _END


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
    :data:`TURNS` from where the camera held it, or a PDF as it came but for its links.

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
    sha256 = hashlib.sha256(paper.content).hexdigest()
    return Upload(paper.content, "pdf", "application/pdf", sha256, paper.thumb, pages=paper.pages)


def _photo(data: bytes, kind: Literal["photo", "paper"], turned: int) -> Upload:
    try:
        picture, said = _decoded(data)
    except _BOMBS as error:
        raise Refused(
            translate("照片像素太多（JPG最多2.2亿，其他格式最多6500万），请缩小后重新上传。")
        ) from error
    except OSError as error:
        raise Refused(_why_no_photo(data, kind)) from error
    except Exception as error:  # whatever a decoder falls over, the photo is to blame, not we
        log.warning("a decoder fell over a photo", exc_info=True)
        raise Refused(_why_no_photo(data, kind)) from error
    if _hides_another_file(data):
        raise Refused(
            translate("照片文件里夹带了网页、压缩包等其他内容，不能上传；请重新拍摄后上传。")
        )
    return replace(
        _stored(_turned(picture, turned)),
        taken_at=said.taken_at, place=said.place, device=said.device,
    )  # fmt: skip


def _decoded(data: bytes) -> tuple[Image.Image, Noted]:
    """The picture, upright, and what the camera noted. Raises whatever its decoder does."""
    plain = bare(data)
    try:
        image = _loaded(plain.picture)
    except OSError:
        if not plain.picture.startswith(b"\xff\xd8"):
            raise
        image = _without_end_mark(plain.picture)
    said = noted(plain.exif or image.info.get("exif") or b"")
    flat = _flat(image)
    if image.format == "HEIF":  # its decoder has turned it, by what the file says and not its notes
        return flat, said
    way = _UPRIGHT.get(said.orientation or plain.orientation or 1)
    return flat if way is None else flat.transpose(way), said


def _loaded(data: bytes) -> Image.Image:
    """The picture as its file holds it, a large JPEG at a fraction of its size."""
    image = Image.open(io.BytesIO(data), formats=["JPEG", "PNG", "WEBP", "HEIF"])
    pixels, longest = image.width * image.height, max(image.size)
    whole = image.format != "JPEG" or "progressive" in image.info
    if pixels > (MAX_WHOLE_PIXELS if whole else MAX_PIXELS):
        raise Image.DecompressionBombError
    width, height = (max(1, side * STORED_SIDE // longest) for side in image.size)
    image.draft("RGB", (width, height))
    image.load()
    return image


def _without_end_mark(data: bytes) -> Image.Image:
    """A JPEG that lacks its end mark and nothing else: what follows it, whatever it is, changes nothing
    of the picture. Raises OSError where part of the picture itself is missing.
    """
    image = _loaded(data + _END)
    if ImageChops.difference(image, _loaded(data + _SPARE)).getbbox():
        raise OSError("part of the picture is missing")
    return image


def _hides_another_file(data: bytes) -> bool:
    """A picture that is an archive, a paper or a page of the web to another reader. None of it is
    stored, but who sends one is told: it was not made by a camera.
    """
    if b"%PDF-" in data[:1024] or _PAGE.search(data):
        return True
    try:
        with zipfile.ZipFile(io.BytesIO(data)):
            return True
    except zipfile.BadZipFile:  # no index at its end, or bytes that only look like one
        return False
    except (NotImplementedError, ValueError):
        # They look like an index until an entry asks for a version that zipfile lacks, or is named in
        # what is no UTF-8; the first releases of 3.11 also seek an index before the file's beginning.
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
    """RGB, at a fraction of a very large size; what was transparent becomes white paper."""
    if image.mode.startswith("I"):  # 16-bit grey, of which a conversion keeps the darkest 256 alone
        image.info.pop("transparency", None)
        image = image.point(lambda grey: grey / 256).convert("L")
    mode = "RGBA" if image.has_transparency_data else "RGB"
    if image.mode != mode:
        image = image.convert(mode)
    image = image.reduce(max(1, max(image.size) // STORED_SIDE))
    if mode == "RGB":
        return image
    paper = Image.new("RGB", image.size, "white")
    paper.paste(image, mask=image.getchannel("A"))
    return paper


def _turned(image: Image.Image, degrees: int) -> Image.Image:
    way = _TURNS.get(degrees)
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
