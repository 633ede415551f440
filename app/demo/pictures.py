"""Drawn photos and papers: house fronts, cracked walls, appraisal reports. A few of each serve all."""

from __future__ import annotations

import hashlib
import io
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from PIL import Image, ImageDraw, ImageFilter, ImageFont

from app.core.files.storage import storage
from app.core.files.uploads import Upload, inspect_upload

_SIZE = (1024, 768)
_WALLS = ((214, 205, 190), (232, 228, 218), (196, 160, 126), (178, 124, 98), (225, 214, 176))
_ROOFS = ((92, 96, 104), (140, 74, 58), (112, 84, 70), (70, 88, 110))
#: Made at once: several at a time for the sake of a bucket, few as most need no more.
_COPIES = 50
_VARIANTS = {"front_photos": 16, "risky_photos": 8, "judged_paper": 4, "seismic_paper": 2}
_GRADES = "ABCD"

Kind = Literal["front_photos", "risky_photos", "judged_paper", "seismic_paper"]


@dataclass(frozen=True)
class Picture:
    """A stored file that many records show under keys of their own."""

    upload: Upload
    name: str
    key: str
    thumb_key: str


class Album:
    """The pictures of each file field, and a key of its own for every use of one."""

    def __init__(self, pick: random.Random) -> None:
        self.pick = pick
        self.pictures = {
            field: [_stored(field, number, pick) for number in range(count)]
            for field, count in _VARIANTS.items()
        }
        self._keys: dict[str, Iterator[str]] = {}

    def take(self, field: str, grade: str | None) -> tuple[Picture, str, str]:
        """A picture for a file field (a report of that grade), fresh keys to its bytes and to those
        of the small one.
        """
        known = self.pictures[field]
        if field == "judged_paper" and grade:
            picture = known[_GRADES.index(grade)]
        else:
            picture = self.pick.choice(known)
        return picture, self._key(picture.key), self._key(picture.thumb_key)

    def take_alone(self, field: str, mark: str) -> tuple[Picture, str, str]:
        """A photo whose bytes no other has: ``mark`` stands in it, where a camera writes its comment."""
        picture, _key, thumb_key = self.take(field, None)
        said = mark.encode()
        start, rest = picture.upload.content[:2], picture.upload.content[2:]
        content = b"".join((start, b"\xff\xfe", (len(said) + 2).to_bytes(2), said, rest))
        upload = replace(
            picture.upload, content=content, sha256=hashlib.sha256(content).hexdigest()
        )
        key = storage().put(io.BytesIO(content), upload.suffix)
        return replace(picture, upload=upload, key=key), key, thumb_key

    def _key(self, key: str) -> str:
        fresh = next(self._keys.get(key, iter(())), None)
        if fresh is None:
            self._keys[key] = iter(storage().copies(key, _COPIES))
            fresh = next(self._keys[key])
        return fresh


def _stored(field: str, number: int, pick: random.Random) -> Picture:
    if field == "front_photos":
        content, name = _jpeg(_house(pick)), f"正立面{number + 1}.jpg"
    elif field == "risky_photos":
        content, name = _jpeg(_crack(pick)), f"隐患部位{number + 1}.jpg"
    elif field == "judged_paper":
        content, name = _pdf(_report(_GRADES[number])), "房屋安全鉴定报告.pdf"
    else:
        content, name = _pdf(_report("GB 50023")), "抗震鉴定报告.pdf"
    kind: Literal["photo", "paper"] = "photo" if name.endswith("jpg") else "paper"
    upload = inspect_upload(io.BytesIO(content), kind)
    key = storage().put(io.BytesIO(upload.content), upload.suffix)
    return Picture(upload, name, key, storage().put(io.BytesIO(upload.thumb), "jpg"))


def _house(pick: random.Random) -> Image.Image:
    """A farmhouse from the front: sky, hills, wall, roof, a door between windows."""
    image = Image.new("RGB", _SIZE, (188, 212, 232))
    draw = ImageDraw.Draw(image)
    for x in range(-100, 1100, 180):
        height = pick.randint(120, 260)
        draw.ellipse((x, 420 - height, x + 420, 700), fill=(120 + height // 6, 150, 122))
    draw.rectangle((0, 600, 1024, 768), fill=(168, 152, 128))
    wall, roof = pick.choice(_WALLS), pick.choice(_ROOFS)
    storeys = pick.choice((1, 1, 2))
    top = 400 - 150 * (storeys - 1)
    draw.rectangle((140, top, 884, 640), fill=wall, outline=(90, 84, 76), width=3)
    draw.polygon(((100, top), (924, top), (840, top - 90), (184, top - 90)), fill=roof)
    for tile in range(190, 840, 26):
        draw.line((tile, top - 88, tile - 30, top), fill=tuple(c - 20 for c in roof), width=2)
    for storey in range(storeys):
        y = 640 - 150 * storey - 130
        for x in (200, 330, 620, 750):
            draw.rectangle(
                (x, y, x + 90, y + 80), fill=(96, 118, 138), outline=(240, 240, 240), width=6
            )
            draw.line((x + 45, y, x + 45, y + 80), fill=(240, 240, 240), width=4)
    draw.rectangle((460, 500, 570, 640), fill=(128, 44, 36), outline=(70, 28, 22), width=5)
    draw.line((515, 500, 515, 640), fill=(70, 28, 22), width=4)
    for x in (440, 574):  # couplets beside the door
        draw.rectangle((x, 505, x + 16, 630), fill=(196, 36, 32))
    return image


def _crack(pick: random.Random) -> Image.Image:
    """A wall with a crack from near the top to near the bottom."""
    wall = pick.choice(_WALLS)
    image = Image.new("RGB", _SIZE, wall)
    draw = ImageDraw.Draw(image)
    for _stain in range(60):
        x, y, r = pick.randrange(1024), pick.randrange(768), pick.randint(20, 90)
        shade = pick.randint(-16, 10)
        draw.ellipse((x, y, x + r, y + r), fill=tuple(min(255, c + shade) for c in wall))
    image = image.filter(ImageFilter.GaussianBlur(14))
    draw = ImageDraw.Draw(image)
    x, y = pick.randint(300, 700), 40
    while y < 740:
        nx, ny = x + pick.randint(-46, 46), y + pick.randint(18, 46)
        draw.line((x, y, nx, ny), fill=(46, 40, 36), width=pick.randint(3, 9))
        if pick.random() < 0.25:
            draw.line((nx, ny, nx + pick.randint(-120, 120), ny + 60), fill=(70, 62, 56), width=2)
        x, y = nx, ny
    return image


def _report(mark: str) -> Image.Image:
    """A page of a report: lines of text as bars, a table, the result, a red seal."""
    page = Image.new("RGB", (827, 1169), "white")
    draw = ImageDraw.Draw(page)
    draw.rectangle((240, 90, 590, 120), fill=(40, 40, 40))
    for line in range(9):
        draw.rectangle(
            (90, 190 + 34 * line, 737 - 80 * (line % 3), 200 + 34 * line), fill=(120,) * 3
        )
    for row in range(7):
        draw.line((90, 540 + 50 * row, 737, 540 + 50 * row), fill=(60, 60, 60), width=2)
    for x in (90, 300, 737):
        draw.line((x, 540, x, 840), fill=(60, 60, 60), width=2)
    draw.text(
        (330, 890),
        mark,
        fill=(30, 30, 30),
        font=ImageFont.load_default(90 // max(1, len(mark) // 3)),
    )
    draw.ellipse((520, 920, 700, 1100), outline=(200, 30, 30), width=7)
    draw.regular_polygon((610, 1010, 34), 5, fill=(200, 30, 30))
    return page


def _jpeg(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=80)
    return out.getvalue()


def _pdf(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.convert("L" if image.mode == "L" else "RGB").save(out, "PDF", resolution=100)
    return out.getvalue()
