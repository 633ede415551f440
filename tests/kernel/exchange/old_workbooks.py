"""Excel's old workbooks (xls), made by hand: a compound file with the records of BIFF8."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from pathlib import Path

_SECTOR = 512
_END, _TABLE, _NONE = 0xFFFFFFFE, 0xFFFFFFFD, 0xFFFFFFFF
LONGEST_RECORD = 8224


def record(kind: int, body: bytes = b"") -> bytes:
    return struct.pack("<HH", kind, len(body)) + body


def text(said: str, length: str = "<H") -> bytes:
    """A text with its length; Chinese takes two bytes a character."""
    wide = any(ord(c) > 255 for c in said)
    raw = said.encode("utf-16-le" if wide else "latin-1")
    return struct.pack(length, len(raw) // 2 if wide else len(raw)) + bytes([wide]) + raw


def texts(said: Sequence[str], limit: int = LONGEST_RECORD) -> bytes:
    """The workbook's shared texts, cut wherever ``limit`` falls."""
    records = [struct.pack("<II", len(said), len(said))]
    for one in said:
        whole = text(one)
        head, raw, wide = whole[:3], whole[3:], whole[2]
        if len(records[-1]) + 3 > limit:
            records.append(b"")
        records[-1] += head
        while raw:
            room = (limit - len(records[-1])) // 2 * 2
            if room < 2:
                records.append(bytes([wide]))
                continue
            records[-1] += raw[:room]
            raw = raw[room:]
    return record(0x00FC, records[0]) + b"".join(record(0x003C, more) for more in records[1:])


def cell(kind: int, row: int, column: int, style: int, body: bytes) -> bytes:
    return record(kind, struct.pack("<HHH", row, column, style) + body)


def write(path: Path, sheets: Sequence[tuple[str, bytes]], shared: bytes = b"", version: int = 0x0600,
          before: bytes = b"", name: str = "Workbook") -> Path:  # fmt: skip
    """A workbook of sheets, of which each is its title (hidden: with a ``~`` in front) and records.
    Cells of style 1 are days, of style 2 moments.
    """
    begin, end = struct.pack("<HHHHII", version, 5, 0, 0, 0, 0), record(0x000A)
    styles = b"".join(record(0x00E0, struct.pack("<HH16x", 0, n)) for n in (0, 14, 164))
    codes = record(0x041E, struct.pack("<H", 164) + text("yyyy-mm-dd h:mm:ss"))
    heads = [text(title.lstrip("~"), "<B") for title, _ in sheets]
    size = len(record(0x0809, begin) + before + codes + styles + shared + end)
    at = size + sum(len(head) + 10 for head in heads)
    listed, parts = b"", b""
    for (title, records), head in zip(sheets, heads, strict=True):
        part = record(0x0809, begin) + records + end
        listed += record(
            0x0085, struct.pack("<IBB", at + len(parts), title.startswith("~"), 0) + head
        )
        parts += part
    stream = record(0x0809, begin) + before + codes + styles + listed + shared + end + parts
    path.write_bytes(compound({name: stream}))
    return path


def compound(streams: dict[str, bytes]) -> bytes:
    """A compound file; its streams are made long enough to lie in sectors of their own."""
    sectors: list[bytes] = []
    following: list[int] = []

    def keep(body: bytes) -> int:
        cut = [body[n : n + _SECTOR].ljust(_SECTOR, b"\0") for n in range(0, len(body), _SECTOR)]
        first = len(sectors)
        sectors.extend(cut)
        following.extend([*range(first + 1, first + len(cut)), _END])
        return first

    entries = [_entry("Root Entry", 5, _END, 0)]
    for name, body in streams.items():
        whole = body.ljust(4096, b"\0")
        entries.append(_entry(name, 2, keep(whole), len(whole)))
    directory = keep(b"".join(entries).ljust(_SECTOR, b"\0"))
    tables = 1
    while (len(sectors) + tables) * 4 > tables * _SECTOR:
        tables += 1
    first = len(sectors)
    following += [_TABLE] * tables
    table = struct.pack(f"<{len(following)}I", *following).ljust(tables * _SECTOR, b"\xff")
    header = (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
        + bytes(16)
        + struct.pack(
            "<HHHHH6xIIIIIIIII",
            0x3E,
            3,
            0xFFFE,
            9,
            6,
            0,
            tables,
            directory,
            0,
            4096,
            _END,
            0,
            _END,
            0,
        )
    )
    listed = [*range(first, first + tables)]
    header += struct.pack("<109I", *listed, *[_NONE] * (109 - len(listed)))
    return header + b"".join(sectors) + table


def _entry(name: str, kind: int, start: int, size: int) -> bytes:
    raw = (name + "\0").encode("utf-16-le")
    return raw.ljust(64, b"\0") + struct.pack(
        "<HBBIII36xIQ", len(raw), kind, 1, _NONE, _NONE, 1 if kind == 5 else _NONE, start, size
    )


def merged(*areas: tuple[int, int, int, int]) -> bytes:
    """Cells that are shown as one: top, bottom, left, right, from 0."""
    return record(
        0x00E5, struct.pack("<H", len(areas)) + b"".join(struct.pack("<HHHH", *a) for a in areas)
    )


def joined(records: Iterable[bytes]) -> bytes:
    return b"".join(records)
