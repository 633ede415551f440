"""What may be uploaded, and what is left of it."""

from __future__ import annotations

import datetime as dt
import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from pikepdf import Dictionary, Encryption, Name, ObjectStreamMode, Pdf
from PIL import Image

from app.core.files.paper_formats import MOST_PAGES
from app.core.files.uploads import (
    MAX_BYTES,
    STORED_BYTES,
    Refused,
    Upload,
    inspect_upload,
    turn_photo,
)
from tests.pictures import camera, paper, picture

PDF = paper()
PHONE = camera("2024:05:06 07:08:09", (34.16, 109.32), orientation=6)


def photo(data: bytes, turned: int = 0) -> Upload:
    return inspect_upload(io.BytesIO(data), "photo", turned)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "HEIF"])
def test_photos_become_plain_jpegs(form: str) -> None:
    upload = photo(picture(form=form))
    with Image.open(io.BytesIO(upload.content)) as stored:
        assert stored.format == "JPEG"
        assert stored.size == (upload.width, upload.height) == (640, 480)
    assert (upload.suffix, upload.media_type) == ("jpg", "image/jpeg")
    assert len(upload.sha256) == 64


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_grey_and_printers_colours_are_read(mode: str) -> None:
    assert photo(picture(mode=mode)).width == 640


def test_transparency_becomes_white_paper() -> None:
    out = io.BytesIO()
    Image.new("RGBA", (8, 8), (255, 0, 0, 0)).save(out, "PNG")
    with Image.open(io.BytesIO(photo(out.getvalue()).content)) as stored:
        assert stored.getpixel((4, 4)) == (255, 255, 255)


def test_large_photos_shrink() -> None:
    upload = photo(picture((4000, 3000), quality=95))
    assert len(upload.content) <= STORED_BYTES
    assert upload.width
    assert upload.height
    assert max(upload.width, upload.height) <= 2560
    with Image.open(io.BytesIO(upload.content)) as stored:
        assert stored.size == (upload.width, upload.height)


def test_what_the_camera_said_is_read_then_stripped_and_the_picture_stands_upright() -> None:
    upload = photo(picture(exif=PHONE, comment=b"taken by a phone"))
    assert upload.taken_at == dt.datetime(2024, 5, 6, 7, 8, 9)
    assert upload.place == (34.16, 109.32)
    assert upload.device == "HUAWEI LYA-AL00"
    assert (upload.width, upload.height) == (480, 640)
    for kept in (upload.content, upload.thumb):
        with Image.open(io.BytesIO(kept)) as stored:
            assert not stored.getexif()
        for left in (b"HUAWEI", b"taken by", b"2024:05"):
            assert left not in kept


def test_photos_of_an_iphone_are_read_with_their_facts() -> None:
    upload = photo(
        picture(form="HEIF", exif=camera("2024:05:06 07:08:09", device=("Apple", "iPhone 15")))
    )
    assert upload.taken_at == dt.datetime(2024, 5, 6, 7, 8, 9)
    assert upload.device == "Apple iPhone 15"
    assert upload.media_type == "image/jpeg"


def test_a_small_picture_comes_along() -> None:
    with Image.open(io.BytesIO(photo(picture((1600, 900))).thumb)) as small:
        assert small.size == (360, 203)
    assert len(photo(picture((4000, 3000))).thumb) < 60_000


@pytest.mark.parametrize(
    ("turned", "corner"), [(0, (0, 0)), (90, (1, 0)), (180, (1, 1)), (270, (0, 1))]
)
def test_photos_are_turned_clockwise(turned: int, corner: tuple[int, int]) -> None:
    """A red corner, at first above on the left, goes round with the hand of a clock."""
    out = io.BytesIO()
    image = Image.new("RGB", (64, 32), "white")
    image.paste("red", (0, 0, 16, 16))
    image.save(out, "PNG")
    once = photo(out.getvalue(), turned)
    later = turn_photo(photo(out.getvalue()).content, turned)
    for upload in (once, later):
        with Image.open(io.BytesIO(upload.content)) as stored:
            assert stored.size == ((64, 32) if turned % 180 == 0 else (32, 64))
            at = tuple((side - 8) * way + 4 for side, way in zip(stored.size, corner, strict=True))
            red, green, _blue = stored.getpixel(at)
            assert red > 200
            assert green < 60


def test_odd_metadata_is_no_reason_to_refuse() -> None:
    upload = photo(picture(exif=camera("yesterday", (999.0, 1.0), ("", "\0"))))
    assert upload.device == ""
    assert upload.taken_at is None
    assert upload.place is None


def test_a_camera_without_satellites_says_nothing_of_the_place() -> None:
    assert photo(picture(exif=camera(place=(0.0, 0.0)))).place is None


def archive() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        packed.writestr("a.txt", "hidden")
    return out.getvalue()


def test_what_phones_append_to_photos_is_no_reason_to_refuse() -> None:
    """A film of some seconds, a second picture, bytes that only look like the mark of an archive."""
    video = b"\0\0\0\x18ftypmp42 PK\x05\x06" + bytes(range(256)) * 40
    assert len(photo(picture() + video).content) > 1000


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
        (b"\0\0\0\x18ftypheic", "损坏"),
        (b"\0\0\0\x18ftypisom and a video", "视频"),
        (picture(form="GIF", mode="P"), "不是照片"),
        (picture(form="BMP"), "不是照片"),
        (picture(form="TIFF"), "不是照片"),
        (picture() + archive(), "夹带"),
        (picture() + b"<html><script>alert(1)</script>", "夹带"),
        (picture(comment=b"<script>alert(1)</script>"), "夹带"),
        (picture(form="PNG") + b"<?php echo 1;", "夹带"),
        (picture(comment=PDF[:60]), "夹带"),
        (picture()[:2000], "损坏"),
        (picture(form="PNG")[:2000], "损坏"),
        (PDF, "不是PDF"),
    ],
)
def test_what_is_no_photo_is_refused_with_a_reason(data: bytes, message: str) -> None:
    with pytest.raises(Refused, match=message):
        photo(data)


def test_papers_are_pdf_or_photos() -> None:
    kept = inspect_upload(io.BytesIO(PDF), "paper")
    assert (kept.content, kept.suffix, kept.media_type) == (PDF, "pdf", "application/pdf")
    assert kept.pages == 1
    with Image.open(io.BytesIO(kept.thumb)) as first_page:
        assert first_page.size == (255, 360)
    assert inspect_upload(io.BytesIO(picture()), "paper").suffix == "jpg"


def opens_with(**action: Any) -> Callable[[Pdf], None]:
    def change(pdf: Pdf) -> None:
        pdf.Root.OpenAction = pdf.make_indirect(Dictionary(**action))

    return change


def carries_a_file(pdf: Pdf) -> None:
    pdf.attachments["a.exe"] = b"MZ"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (PDF + b"PK\x03\x04", "夹带"),
        (PDF[:-10], "不完整"),
        (b"%PDF-1.4\nnothing\nstartxref\n0\n%%EOF\n", "打不开"),
        (paper(encryption=Encryption(owner="a", user="b")), "密码"),
        (paper(encryption=Encryption(owner="a", user="")), "密码"),
        (paper(change=opens_with(S=Name.JavaScript, JS="app.alert(1)")), "脚本"),
        (paper(change=opens_with(S=Name.Launch, F="a.exe")), "脚本"),
        (
            paper(
                change=opens_with(S=Name.JavaScript),
                object_stream_mode=ObjectStreamMode.generate,
            ),
            "脚本",
        ),
        (
            paper(change=opens_with(S=Name.JavaScript)).replace(b"/JavaScript", b"/J#61vaScript"),
            "脚本",
        ),
        (paper(change=carries_a_file), "附件"),
        (paper(MOST_PAGES + 1), "101页"),
        (b"<html>" + PDF, "两者都不是"),
        (b"\xd0\xcf\x11\xe0 an old Word file", "两者都不是"),
    ],
)
def test_odd_papers_are_refused_with_a_reason(data: bytes, message: str) -> None:
    with pytest.raises(Refused, match=message):
        inspect_upload(io.BytesIO(data), "paper")


def test_letters_of_a_picture_are_no_script() -> None:
    """Packed bytes hold any three letters sooner or later."""

    def draw(pdf: Pdf) -> None:
        pdf.Root.Odd = pdf.make_stream(b"/JS /Launch /JavaScript ")

    assert inspect_upload(io.BytesIO(paper(change=draw)), "paper").pages == 1


def test_a_paper_that_keeps_its_reader_busy_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.core.files.paper_formats._SECONDS", 0.001)
    with pytest.raises(Refused, match="打不开"):
        inspect_upload(io.BytesIO(PDF), "paper")
