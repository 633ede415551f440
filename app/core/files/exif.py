"""What a camera noted in a photo: how it was held, when, where, which one it was.

A few notes of many are read, each by itself and none by the decoder: cameras, messengers and editors
write odd blocks, and one that is odd costs no picture and no other note.
"""

from __future__ import annotations

import datetime as dt
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from app.core.clock import CHINA

_MARK = b"Exif\0\0"
_ORDERS = {b"II*\0": "<", b"MM\0*": ">"}
_ENTRY = 12
#: Bytes of a number of each type that is read, and how struct calls it; a rational is two of them.
_NUMBERS = {1: (1, "B"), 3: (2, "H"), 4: (4, "I"), 5: (8, "II"), 9: (4, "i"), 10: (8, "ii")}
_TEXTS = {2, 7, 129}  # ASCII, undefined, UTF-8

_MAKER, _MODEL, _ORIENTATION, _CHANGED = 0x010F, 0x0110, 0x0112, 0x0132
_CAMERA, _TAKEN, _CHANGED_ZONE, _TAKEN_ZONE = 0x8769, 0x9003, 0x9010, 0x9011
_PLACE, _SOUTH, _LATITUDE, _WEST, _LONGITUDE = 0x8825, 1, 2, 3, 4

_DEVICE_LENGTH = 60
_AWAY = re.compile(r"([+-])(0\d|1[0-4]):?([0-5]\d)")  # up to 14 hours, as zones are


@dataclass(frozen=True)
class Noted:
    """``orientation`` is 1 to 8 as Exif counts, None where nothing is said of it. ``taken_at``, without a
    zone, is the time in China where the camera said its zone, else what its clock showed; ``place`` is
    (latitude, longitude) in degrees of WGS 84. All as the camera claims.
    """

    orientation: int | None = None
    taken_at: dt.datetime | None = None
    place: tuple[float, float] | None = None
    device: str = ""


def noted(block: bytes) -> Noted:
    """What a block of Exif says; of what cannot be read, nothing."""
    while block.startswith(_MARK):
        block = block[len(_MARK) :]
    order = _ORDERS.get(block[:4])
    if order is None:
        return Noted()
    main = _Directory(block, order, _number(block, order, 4))
    camera = main.directory(_CAMERA)
    return Noted(
        orientation=_orientation(main.number(_ORIENTATION)),
        taken_at=_taken_at(camera.text(_TAKEN), camera.text(_TAKEN_ZONE))
        or _taken_at(main.text(_CHANGED), camera.text(_CHANGED_ZONE)),
        place=_place(main.directory(_PLACE)),
        device=_device(main.text(_MAKER), main.text(_MODEL)),
    )


class _Directory:
    """The notes of one table of a block, by their numbers; of one twice the first."""

    def __init__(self, block: bytes, order: str, at: int | None) -> None:
        self._block, self._order = block, order
        self._entries: dict[int, tuple[int, int, int]] = {}
        for tag, kind, count, place in self._read(at):
            self._entries.setdefault(tag, (kind, count, place))

    def _read(self, at: int | None) -> Iterator[tuple[int, int, int, int]]:
        if at is None or not 0 <= at <= len(self._block) - 2:  # a pointer may be any number
            return
        (count,) = struct.unpack_from(f"{self._order}H", self._block, at)
        for place in range(at + 2, at + 2 + count * _ENTRY, _ENTRY):
            if place + _ENTRY > len(self._block):
                return
            yield *struct.unpack_from(f"{self._order}HHI", self._block, place), place + 8

    def directory(self, tag: int) -> _Directory:
        """The table to which a note points; an empty one where it points nowhere."""
        at = self.number(tag)
        return _Directory(self._block, self._order, None if at is None else int(at))

    def number(self, tag: int) -> float | None:
        numbers = self.numbers(tag)
        return numbers[0] if numbers else None

    def numbers(self, tag: int, most: int = 1) -> list[float]:
        """The first numbers of a note, up to ``most``; none where one of them is none."""
        kind, count, place = self._entries.get(tag, (0, 0, 0))
        size, form = _NUMBERS.get(kind, (0, ""))
        data = self._bytes(size, min(count, most), count * size, place)
        if not data:
            return []
        try:
            return [_quotient(parts) for parts in struct.iter_unpack(self._order + form, data)]
        except ZeroDivisionError:
            return []

    def text(self, tag: int) -> str:
        """A note in letters, up to its end mark, without what does not show."""
        kind, count, place = self._entries.get(tag, (0, 0, 0))
        if kind not in _TEXTS:
            return ""
        said = self._bytes(1, count, count, place).partition(b"\0")[0]
        return "".join(c for c in said.decode(errors="ignore") if c.isprintable()).strip()

    def _bytes(self, size: int, count: int, whole: int, place: int) -> bytes:
        """The first ``count`` values of a note of ``whole`` bytes; empty where they are not there. Up to
        four bytes stand in the table itself, more of them elsewhere.
        """
        at = place if whole <= 4 else _number(self._block, self._order, place)
        data = b"" if at is None else self._block[at : at + size * count]
        return data if len(data) == size * count else b""


def _number(block: bytes, order: str, at: int) -> int | None:
    if at + 4 > len(block):
        return None
    (number,) = struct.unpack_from(f"{order}I", block, at)
    return int(number)


def _quotient(parts: tuple[int, ...]) -> float:
    return float(parts[0]) if len(parts) == 1 else parts[0] / parts[1]


def _orientation(number: float | None) -> int | None:
    return int(number) if number is not None and number in range(1, 9) else None


def _taken_at(text: str, zone: str) -> dt.datetime | None:
    try:
        said = dt.datetime.strptime(text, "%Y:%m:%d %H:%M:%S").replace(tzinfo=_zone(zone))
        return said.astimezone(CHINA).replace(tzinfo=None)
    except (ValueError, OverflowError):
        return None


def _zone(text: str) -> dt.tzinfo:
    """The zone that a camera names beside its time (``+09:00``), else China's."""
    found = _AWAY.fullmatch(text)
    if not found:
        return CHINA
    sign, hours, minutes = found.groups()
    away = dt.timedelta(hours=int(hours), minutes=int(minutes))
    return dt.timezone(-away if sign == "-" else away)


def _place(gps: _Directory) -> tuple[float, float] | None:
    latitude = _degrees(gps, _LATITUDE, gps.text(_SOUTH).startswith("S"))
    longitude = _degrees(gps, _LONGITUDE, gps.text(_WEST).startswith("W"))
    if latitude is None or longitude is None:
        return None
    if not (abs(latitude) <= 90 and abs(longitude) <= 180):
        return None
    if latitude == longitude == 0:  # what cameras write that found no satellite
        return None
    return round(latitude, 6), round(longitude, 6)


def _degrees(gps: _Directory, tag: int, negative: bool) -> float | None:
    parts = gps.numbers(tag, most=3)
    if len(parts) != 3:
        return None
    degrees = parts[0] + parts[1] / 60 + parts[2] / 3600
    return -degrees if negative else degrees


def _device(maker: str, model: str) -> str:
    """Maker and model, as ``HUAWEI LYA-AL00``; empty where the camera says nothing."""
    named = model if model.lower().startswith(maker.lower()) else f"{maker} {model}"
    return named.strip()[:_DEVICE_LENGTH]
