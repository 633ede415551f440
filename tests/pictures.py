"""Photos as phones make them, and papers."""

from __future__ import annotations

import datetime as dt
import io
import random
import struct
from collections.abc import Callable

import pikepdf
from PIL import Image


def camera(
    taken: dt.datetime | str | None = None,
    place: tuple[float, float] | None = None,
    device: tuple[str, str] = ("HUAWEI", "LYA-AL00"),
    orientation: int = 1,
) -> Image.Exif:
    """What a phone writes into its photos; ``place`` is (latitude, longitude)."""
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = device
    exif[0x0112] = orientation
    if taken is not None:
        said = taken if isinstance(taken, str) else f"{taken:%Y:%m:%d %H:%M:%S}"
        exif.get_ifd(0x8769)[0x9003] = said
    if place is not None:
        parts = [(float(int(x)), (x - int(x)) * 60, 0.0) for x in place]
        exif.get_ifd(0x8825).update({1: "N", 2: parts[0], 3: "E", 4: parts[1]})
    return exif


def odd_exif(
    *notes: tuple[int, int, int, bytes], order: str = "<", rest: bytes = b"", first: int = 8
) -> bytes:
    """A block of Exif as no library would write it: ``notes`` are (number, type, count, four bytes)."""
    head = {"<": b"II*\0", ">": b"MM\0*"}[order] + struct.pack(f"{order}I", first)
    table = b"".join(struct.pack(f"{order}HHI", *note[:3]) + note[3] for note in notes)
    return b"Exif\0\0" + head + struct.pack(f"{order}H", len(notes)) + table + rest


def any_exif(drawn: random.Random) -> bytes:
    """Some odd block: numbers that cameras use, with types, counts and places drawn by chance."""
    numbers = [0x10F, 0x110, 0x112, 0x132, 0x8769, 0x8825, 0x9003, 0x9011, 1, 2, 3, 4, 282, 700]
    counts = [0, 1, 2, 3, 20, 2**31, 2**32 - 1]
    order = drawn.choice("<>")
    places = [struct.pack(f"{order}I", drawn.randrange(300)), drawn.randbytes(4)]
    notes = [
        (drawn.choice(numbers), drawn.randrange(14), drawn.choice(counts), drawn.choice(places))
        for _note in range(drawn.randrange(12))
    ]
    rest = drawn.randbytes(drawn.randrange(300))
    return odd_exif(*notes, order=order, rest=rest, first=drawn.choice([8, 8, 8, 2**32 - 1]))


def noting(jpeg: bytes, block: bytes) -> bytes:
    """A JPEG with this block of Exif in front."""
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + jpeg[2:]


def picture(
    size: tuple[int, int] = (640, 480),
    form: str = "JPEG",
    exif: Image.Exif | None = None,
    mode: str = "RGB",
    **save: object,
) -> bytes:
    out = io.BytesIO()
    if exif is not None:
        save["exif"] = exif
    Image.effect_noise(size, 80).convert(mode).save(out, form, **save)
    return out.getvalue()


def paper(
    pages: int = 1, change: Callable[[pikepdf.Pdf], None] | None = None, **save: object
) -> bytes:
    """A PDF; ``change`` does something to it before it is saved."""
    out = io.BytesIO()
    pdf = pikepdf.new()
    for _page in range(pages):
        pdf.add_blank_page(page_size=(595, 842))
    if change:
        change(pdf)
    pdf.save(out, **save)
    return out.getvalue()
