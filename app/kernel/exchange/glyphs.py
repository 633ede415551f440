"""Which characters the fonts of papers have: names hold characters that no font here draws, and a box
in their place tells nobody which.
"""

from __future__ import annotations

import struct
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import typst

from app.core.i18n import _

STANDS_FOR = "〓"
"""What a printer sets where he has no type (GB/T 15834 has none; it is in every Chinese font)."""

_COLLECTION = b"ttcf"
_UNSEEN = frozenset({"Cc", "Cf", "Zs", "Zl", "Zp"})
"""Categories of characters that nobody sees."""


def replaced(data: Any, folders: Sequence[str]) -> tuple[Any, str]:
    """The data of a paper with what its fonts cannot draw replaced, and the sentence that says so,
    empty if nothing is.
    """
    lacking = sorted({c for text in _texts(data) for c in text if not _drawn(c, tuple(folders))})
    if not lacking:
        return data, ""
    table = {ord(char): STANDS_FOR for char in lacking}
    codes = _("、").join(f"U+{ord(char):04X}" for char in lacking)
    said = _("字体中没有以下字符，文中用“%(mark)s”代替，请手写补上：%(codes)s。")
    text = said % {"mark": STANDS_FOR, "codes": codes}
    return _with(data, table), text


def _texts(data: Any) -> Iterator[str]:
    if isinstance(data, str):
        yield data
    elif isinstance(data, dict):
        for part in data.values():
            yield from _texts(part)
    elif isinstance(data, list | tuple):
        for part in data:
            yield from _texts(part)


def _with(data: Any, table: dict[int, str]) -> Any:
    if isinstance(data, str):
        return data.translate(table)
    if isinstance(data, dict):
        return {name: _with(part, table) for name, part in data.items()}
    return [_with(part, table) for part in data] if isinstance(data, list | tuple) else data


def _drawn(char: str, folders: tuple[str, ...]) -> bool:
    return char.isascii() or unicodedata.category(char) in _UNSEEN or ord(char) in drawn(folders)


@cache
def drawn(folders: tuple[str, ...]) -> frozenset[int]:
    """The code points that typst can draw: of the fonts in these folders and of the system's."""
    paths = {font.path for font in typst.Fonts(font_paths=list(folders)).fonts() if font.path}
    return frozenset(code for path in paths for code in _codes(Path(path)))


# ---- font files (OpenType, table cmap) ---------------------------------------------------------


def _codes(path: Path) -> Iterator[int]:
    """The code points of a font file, or of the first font of a collection."""
    with path.open("rb") as file:
        start = 0
        if file.read(4) == _COLLECTION:
            file.seek(12)
            (start,) = struct.unpack(">I", file.read(4))
        file.seek(start + 4)
        (tables,) = struct.unpack(">H6x", file.read(8))
        for _n in range(tables):
            name, _sum, at, length = struct.unpack(">4s3I", file.read(16))
            if name == b"cmap":
                file.seek(at)
                yield from _of_cmap(file.read(length))
                return


def _of_cmap(table: bytes) -> Iterator[int]:
    (count,) = struct.unpack_from(">2xH", table)
    starts = {struct.unpack_from(">4xI", table, 4 + 8 * n)[0] for n in range(count)}
    for at in starts:
        (form,) = struct.unpack_from(">H", table, at)
        if form == 12:
            yield from _segmented(table, at)
        elif form == 4:
            yield from _of_plane_0(table, at)


def _segmented(table: bytes, at: int) -> Iterator[int]:
    """Format 12: groups of code points."""
    (groups,) = struct.unpack_from(">12xI", table, at)
    for n in range(groups):
        first, last = struct.unpack_from(">2I", table, at + 16 + 12 * n)
        yield from range(first, last + 1)


def _of_plane_0(table: bytes, at: int) -> Iterable[int]:
    """Format 4: segments below U+FFFF."""
    (double,) = struct.unpack_from(">6xH", table, at)
    ends = struct.unpack_from(f">{double // 2}H", table, at + 14)
    begins = struct.unpack_from(f">{double // 2}H", table, at + 16 + double)
    for first, last in zip(begins, ends, strict=True):
        if first != 0xFFFF:
            yield from range(first, last + 1)
