"""What may be uploaded, and what is left of it."""

from __future__ import annotations

import datetime as dt
import io
import struct
import zlib

import pytest
from PIL import Image

from app.core.uploads import MAX_BYTES, STORED_BYTES, Refused, Upload, inspect_upload

PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<<>>\nstartxref\n9\n%%EOF\n"


def image_bytes(size: tuple[int, int] = (640, 480), form: str = "JPEG", **save: object) -> bytes:
    out = io.BytesIO()
    mode = save.pop("mode", "RGB")
    Image.effect_noise(size, 80).convert(str(mode)).save(out, form, **save)
    return out.getvalue()


def photo(data: bytes) -> Upload:
    return inspect_upload(io.BytesIO(data), "photo")


def exif_of_a_phone() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees
    exif[0x010F] = "a phone"
    exif.get_ifd(0x8769)[0x9003] = "2024:05:06 07:08:09"
    exif.get_ifd(0x8825).update({1: "N", 2: (34.0, 9.0, 36.0), 3: "E", 4: (109.0, 19.0, 12.0)})
    return exif


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_photos_become_plain_jpegs(form: str) -> None:
    upload = photo(image_bytes(form=form))
    with Image.open(io.BytesIO(upload.content)) as stored:
        assert stored.format == "JPEG"
        assert stored.size == (upload.width, upload.height) == (640, 480)
    assert (upload.suffix, upload.media_type) == ("jpg", "image/jpeg")
    assert len(upload.sha256) == 64


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_grey_and_printers_colours_are_read(mode: str) -> None:
    assert photo(image_bytes(mode=mode)).width == 640


def test_transparency_becomes_white_paper() -> None:
    out = io.BytesIO()
    Image.new("RGBA", (8, 8), (255, 0, 0, 0)).save(out, "PNG")
    with Image.open(io.BytesIO(photo(out.getvalue()).content)) as stored:
        assert stored.getpixel((4, 4)) == (255, 255, 255)


def test_large_photos_shrink() -> None:
    upload = photo(image_bytes((4000, 3000), quality=95))
    assert len(upload.content) <= STORED_BYTES
    assert upload.width
    assert upload.height
    assert max(upload.width, upload.height) <= 2560
    with Image.open(io.BytesIO(upload.content)) as stored:
        assert stored.size == (upload.width, upload.height)


def test_time_and_place_are_read_then_stripped_and_the_picture_stands_upright() -> None:
    data = image_bytes(exif=exif_of_a_phone(), comment=b"<script>alert(1)</script>")
    upload = photo(data + b"PK\x03\x04 an archive behind the picture")
    assert upload.taken_at == dt.datetime(2024, 5, 6, 7, 8, 9)
    assert upload.place == (34.16, 109.32)
    assert (upload.width, upload.height) == (480, 640)
    with Image.open(io.BytesIO(upload.content)) as stored:
        assert not stored.getexif()
    for left in (b"a phone", b"<script>", b"PK\x03\x04 an"):
        assert left not in upload.content


def test_odd_metadata_is_no_reason_to_refuse() -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = "yesterday"
    exif.get_ifd(0x8825).update({2: (999.0, 0.0, 0.0), 4: (1.0, 0.0, 0.0)})
    upload = photo(image_bytes(exif=exif))
    assert upload.taken_at is None
    assert upload.place is None


def png_bomb(side: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    packed = zlib.compressobj()
    row = bytes(1 + side // 8)
    body = b"".join(packed.compress(row) for _ in range(side)) + packed.flush()
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


@pytest.mark.filterwarnings("error::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("side", [6400, 8000, 20000])
def test_bombs_are_refused(side: int) -> None:
    with pytest.raises(Refused, match="4000万像素"):
        photo(png_bomb(side))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "0字节"),
        (b"\xff\xd8\xff" + b"x" * MAX_BYTES, "20 MB"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', "不是照片"),
        (b"GIF89a<script>alert(1)</script>", "不是照片"),
        (b"MZ\x90\0", "不是照片"),
        (b"\0\0\0\x18ftypheic", "HEIC"),
        (image_bytes()[:2000], "损坏"),
        (image_bytes(form="PNG")[:2000], "损坏"),
        (PDF, "不是PDF"),
    ],
)
def test_what_is_no_photo_is_refused_with_a_reason(data: bytes, message: str) -> None:
    with pytest.raises(Refused, match=message):
        photo(data)


def test_papers_are_pdf_or_photos() -> None:
    paper = inspect_upload(io.BytesIO(PDF), "paper")
    assert (paper.content, paper.suffix, paper.media_type) == (PDF, "pdf", "application/pdf")
    assert inspect_upload(io.BytesIO(image_bytes()), "paper").suffix == "jpg"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (PDF + b"PK\x03\x04", "夹带"),
        (PDF[:-10], "不完整"),
        (PDF.replace(b"trailer<<", b"trailer<</Encrypt 5 0 R"), "密码"),
        (PDF.replace(b"/Catalog", b"/Catalog/OpenAction<</S/JavaScript/JS(1)>>"), "脚本"),
        (b"<html>" + PDF, "两者都不是"),
        (b"\xd0\xcf\x11\xe0 an old Word file", "两者都不是"),
    ],
)
def test_odd_papers_are_refused_with_a_reason(data: bytes, message: str) -> None:
    with pytest.raises(Refused, match=message):
        inspect_upload(io.BytesIO(data), "paper")
