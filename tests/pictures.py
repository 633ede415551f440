"""Photos as phones make them, and papers."""

from __future__ import annotations

import datetime as dt
import io
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
