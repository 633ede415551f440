"""What may be uploaded, and what is left of it."""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import random
import struct
import zipfile
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from pikepdf import Array, Dictionary, Encryption, Name, ObjectStreamMode, Pdf
from PIL import Image, ImageChops

from app.core.files.exif import Noted, noted
from app.core.files.paper_formats import MOST_PAGES
from app.core.files.uploads import (
    MAX_BYTES,
    MAX_PIXELS,
    MAX_WHOLE_PIXELS,
    STORED_BYTES,
    STORED_SIDE,
    Refused,
    Upload,
    inspect_upload,
    turn_photo,
)
from tests.pictures import any_exif, camera, noting, odd_exif, paper, picture

PDF = paper()
LARGE = picture((4000, 3000), quality=90)
PHONE = camera("2024:05:06 07:08:09", (34.16, 109.32), orientation=6)


def photo(data: bytes, turned: int = 0) -> Upload:
    return inspect_upload(io.BytesIO(data), "photo", turned)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "HEIF"])
def test_photos_become_plain_jpegs(form: str) -> None:
    upload = photo(picture((160, 120), form=form))
    with Image.open(io.BytesIO(upload.content)) as stored:
        assert stored.format == "JPEG"
        assert stored.size == (upload.width, upload.height) == (160, 120)
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
    upload = photo(LARGE)
    assert len(LARGE) > 4 * STORED_BYTES
    assert len(upload.thumb) < 60_000
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
        picture((64, 48), "HEIF", camera("2024:05:06 07:08:09", device=("Apple", "iPhone 15")))
    )
    assert upload.taken_at == dt.datetime(2024, 5, 6, 7, 8, 9)
    assert upload.device == "Apple iPhone 15"
    assert upload.media_type == "image/jpeg"


def test_a_small_picture_comes_along() -> None:
    with Image.open(io.BytesIO(photo(picture((1600, 900))).thumb)) as small:
        assert small.size == (360, 203)


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


HELD = (0x0112, 3, 1, b"\6\0\0\0")  # on its side, so that the picture must be turned
POINTER = (0x8769, 9, 1, b"\xf0\xff\xff\xff")


@pytest.mark.parametrize(
    ("block", "device"),
    [
        (odd_exif(HELD, (0x010F, 5, 1, b"\x26\0\0\0"), rest=bytes(8)), ""),  # a maker in numbers
        (odd_exif(HELD, (0x0110, 12, 2, b"\x26\0\0\0"), rest=bytes(16)), ""),
        (odd_exif(HELD, (0x010F, 2, 500, b"\0\0\1\0")), ""),  # it stands outside the block
        (odd_exif(HELD, POINTER), ""),  # a table before the beginning
        (odd_exif(HELD, (0x010F, 2, 2**32 - 1, bytes(4)), (0x0110, 2, 4, b"LYA\0")), "LYA"),
        (odd_exif(HELD, (0x0110, 2, 4, b"LYA\0"), (0x0110, 2, 4, b"no!\0")), "LYA"),
        (odd_exif(HELD, (0x0110, 2, 4, b"P\xff7\0")), "P7"),
    ],
)
def test_an_odd_note_costs_no_other_note_and_no_picture(block: bytes, device: str) -> None:
    upload = photo(noting(picture(), block))
    assert (upload.width, upload.height, upload.device) == (480, 640, device)


def test_no_notes_at_all_cost_a_picture() -> None:
    """The stored picture is the same as without them, but for the way it stands."""
    plain, drawn = picture((64, 48)), random.Random(11)
    whole = photo(plain).content
    for _block in range(150):
        upload = photo(noting(plain, any_exif(drawn)))
        assert upload.content == whole or upload.width == 48 or _mirrored(upload.content, whole)
    for _block in range(3000):
        said = noted(any_exif(drawn))
        assert said.orientation is None or 1 <= said.orientation <= 8


def _mirrored(one: bytes, other: bytes) -> bool:
    """Is it the same picture, turned by Exif without changing its sides?"""
    with Image.open(io.BytesIO(one)) as turned, Image.open(io.BytesIO(other)) as plain:
        ways = (Image.Transpose.ROTATE_180, *list(Image.Transpose)[:2])
        apart = (ImageChops.difference(turned.transpose(way), plain) for way in ways)
        return any(sum(difference.convert("L").histogram()[24:]) == 0 for difference in apart)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "HEIF"])
def test_a_decoder_that_falls_over_is_told_in_words(form: str) -> None:
    """Every byte of a file may be another one: it is a photo, or refused, and nothing else."""
    whole, drawn = picture((48, 32), form=form), random.Random(form)
    for _file in range(80):
        data = bytearray(whole)
        for _change in range(drawn.choice([1, 2, 20])):
            data[drawn.randrange(len(data))] = drawn.randrange(256)
        told = outcome(bytes(data))
        assert told == "image/jpeg" or "照片" in told


def outcome(data: bytes) -> str:
    """What a photo is taken in as, or why it is not."""
    try:
        return photo(data).media_type
    except Refused as refused:
        return refused.message


def test_what_editors_say_of_the_way_counts_where_the_camera_says_nothing() -> None:
    said = b'http://ns.adobe.com/xap/1.0/\0<x:xmpmeta><rdf:Description tiff:Orientation="6"/>'
    edited = noting(picture(), said)
    assert photo(edited).width == 480
    upright = odd_exif((0x0112, 3, 1, b"\1\0\0\0"))
    assert photo(noting(edited, upright)).width == 640


@pytest.mark.parametrize(
    ("zone", "day"), [("+08:00", 6), ("", 6), ("+00:00", 7), ("odd", 6), ("+99:00", 6)]
)
def test_the_day_of_a_photo_is_chinas(zone: str, day: int) -> None:
    exif = camera("2024:05:06 23:30:00")
    exif.get_ifd(0x8769)[0x9011] = zone
    assert photo(picture(exif=exif)).taken_at == dt.datetime(
        2024, 5, day, 23 if day == 6 else 7, 30
    )


def test_notes_are_read_in_either_order_of_bytes() -> None:
    zone = dt.datetime(2024, 5, 6, 7, 8, 9)
    for order, endian in ("<", "<"), (">", ">"):
        exif = camera(zone, (34.16, 109.32), orientation=6)
        exif.endian = endian
        assert noted(exif.tobytes()) == Noted(6, zone, (34.16, 109.32), "HUAWEI LYA-AL00"), order


def test_16_bit_grey_keeps_its_greys() -> None:
    out = io.BytesIO()
    shades = Image.frombytes(
        "I;16", (256, 1), b"".join(struct.pack("<H", n * 257) for n in range(256))
    )
    shades.resize((256, 16)).save(out, "PNG")
    with Image.open(io.BytesIO(photo(out.getvalue()).content)) as stored:
        greys = [stored.convert("L").getpixel((x, 8)) for x in (0, 64, 128, 255)]
    assert all(abs(grey - x) <= 4 for grey, x in zip(greys, (0, 64, 128, 255), strict=True)), greys


@pytest.mark.parametrize("how", [{}, {"progressive": True}, {"restart_marker_blocks": 8}])
def test_a_jpeg_without_its_end_mark_is_the_same_picture(how: dict[str, Any]) -> None:
    whole = picture(**how)
    assert photo(whole[:-2]).content == photo(whole).content
    for cut in (len(whole) // 2, len(whole) - 400):
        with pytest.raises(Refused, match="损坏"):
            photo(whole[:cut])


def test_50_megapixels_are_taken_at_a_smaller_size() -> None:
    out = io.BytesIO()
    Image.linear_gradient("L").resize((8192, 6144)).save(out, "JPEG", quality=30)
    upload = photo(out.getvalue())
    assert (upload.width, upload.height) == (STORED_SIDE, 1920)


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
@pytest.mark.parametrize("side", [8100, 20000])
def test_bombs_are_refused(side: int) -> None:
    assert side * side > MAX_WHOLE_PIXELS
    with pytest.raises(Refused, match="6500万"):
        photo(png_bomb(side))


@pytest.mark.filterwarnings("error::PIL.Image.DecompressionBombWarning")
def test_bombs_are_refused_by_what_their_head_says() -> None:
    """A JPEG of 400 megapixels; the same head with 400 times less is read."""
    data = bytearray(picture((1000, 1000)))
    sides = data.index(b"\xff\xc0") + 5
    data[sides : sides + 4] = struct.pack(">HH", 20000, 20000)
    assert MAX_PIXELS < 20000 * 20000
    with pytest.raises(Refused, match=r"2\.2亿"):
        photo(bytes(data))


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


def carries_one_that_calls_itself_nothing(pdf: Pdf) -> None:
    held = pdf.make_stream(b"MZ")
    pdf.Root.AF = Array([Dictionary(EF=Dictionary(F=held), F="a.exe")])


def calls_itself_a_part_of_the_text(pdf: Pdf) -> None:
    pdf.Root.OpenAction = Dictionary(S=Name.Launch, F="a.exe", Type=Name.StructElem, P=1, K=1)


def noted_on_the_page(**said: Any) -> Callable[[Pdf], None]:
    """An annotation on the first page."""

    def change(pdf: Pdf) -> None:
        annotation = Dictionary(Type=Name.Annot, Rect=Array([0, 0, 9, 9]), **said)
        pdf.pages[0].Annots = Array([pdf.make_indirect(annotation)])

    return change


def stands_elsewhere(pdf: Pdf) -> None:
    pdf.Root.Odd = pdf.make_stream(b"", F="//host/share/a.txt")


def has_a_form_of_scripts(pdf: Pdf) -> None:
    pdf.Root.AcroForm = Dictionary(Fields=Array([]), XFA=pdf.make_stream(b"<xdp/>"))


def has_named_scripts(pdf: Pdf) -> None:
    pdf.Root.Names = Dictionary(JavaScript=Dictionary(Names=Array([])))


LINK = {"Subtype": Name.Link, "A": Dictionary(S=Name.URI, URI="http://evil.example/")}


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
        (paper(change=carries_one_that_calls_itself_nothing), "附件"),
        (paper(change=calls_itself_a_part_of_the_text), "脚本"),
        (paper(change=has_a_form_of_scripts), "脚本"),
        (paper(change=has_named_scripts), "脚本"),
        (paper(change=stands_elsewhere), "附件"),
        (paper(change=noted_on_the_page(Subtype=Name.FileAttachment)), "附件"),
        (paper(change=noted_on_the_page(Subtype=Name.Screen)), "音视频"),
        (
            paper(
                change=noted_on_the_page(
                    Subtype=Name.Link, AA=Dictionary(K=Dictionary(S=Name.SubmitForm, F="x"))
                )
            ),
            "自动执行",
        ),
        (
            paper(
                change=noted_on_the_page(
                    Subtype=Name.Link,
                    A=Dictionary(S=Name.URI, URI="x", Next=Array([Dictionary(S=Name.GoToE)])),
                )
            ),
            "自动执行",
        ),
        (paper(MOST_PAGES + 1), "101页"),
        (b"<html>" + PDF, "两者都不是"),
        (b"\xd0\xcf\x11\xe0 an old Word file", "两者都不是"),
    ],
)
def test_odd_papers_are_refused_with_a_reason(data: bytes, message: str) -> None:
    with pytest.raises(Refused, match=message):
        inspect_upload(io.BytesIO(data), "paper")


def test_words_in_a_paper_are_no_script() -> None:
    """Packed bytes, fonts, colours, pictures and parts of the text may be called anything."""

    def draw(pdf: Pdf) -> None:
        odd = pdf.make_stream(b"/JS /Launch /JavaScript ", Type=Name.EmbeddedFile)
        text = Dictionary(Type=Name.StructElem, S=Name.Sound, P=pdf.Root, K=1)
        colour = Array([Name.Separation, Name.Launch, Name.DeviceGray, Dictionary()])
        held = Dictionary(XObject=Dictionary(JS=odd, EF=odd), ColorSpace=Dictionary(JS=colour))
        pdf.pages[0].Resources = held
        pdf.Root.StructTreeRoot = Dictionary(K=Array([text]))
        pdf.pages[0].Trans = Dictionary(S=Name.Dissolve)

    data = paper(change=draw)
    assert inspect_upload(io.BytesIO(data), "paper").content == data


@pytest.mark.parametrize(
    "change",
    [
        noted_on_the_page(**LINK),
        noted_on_the_page(Subtype=Name.Link, PA=Dictionary(S=Name.GoToR, F="//host/a.pdf")),
        opens_with(S=Name.URI, URI="http://evil.example/"),
        opens_with(S=Name.GoTo, D=Array([]), Next=Dictionary(S=Name.URI, URI="evil.example")),
    ],
)
def test_links_are_taken_out_of_papers(change: Callable[[Pdf], None]) -> None:
    """Office programs write them without being asked; the paper stays, as it looks."""
    kept = inspect_upload(io.BytesIO(paper(change=change, compress_streams=False)), "paper")
    assert kept.pages == 1
    for left in (b"/URI", b"/GoToR", b"evil", b"host"):
        assert left not in kept.content
    assert kept.sha256 == hashlib.sha256(kept.content).hexdigest()
    assert inspect_upload(io.BytesIO(kept.content), "paper").content == kept.content


def test_a_link_in_an_odd_place_is_refused() -> None:
    def hide(pdf: Pdf) -> None:
        pdf.Root.Odd = Dictionary(S=Name.URI, URI="http://evil.example/")
        noted_on_the_page(**LINK)(pdf)

    with pytest.raises(Refused, match="自动执行"):
        inspect_upload(io.BytesIO(paper(change=hide)), "paper")


def test_a_paper_that_keeps_its_reader_busy_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.core.files.paper_formats._SECONDS", 0.001)
    with pytest.raises(Refused, match="打不开"):
        inspect_upload(io.BytesIO(PDF), "paper")
