"""Compound files, the kind that Excel's old workbooks lie in, and workbooks with a password."""

from __future__ import annotations

import mmap
import struct
from pathlib import Path

from app.kernel.exchange.workbooks.documents import damaged

SIGNATURE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_HEADER = 512
_END = 0xFFFFFFFA  # this and above are no sectors
_MINI_SECTOR = 64


class CompoundFile:
    """The streams of a file of at most :data:`app.kernel.exchange.limits.MAX_BYTES`.

    :raises BadInput: it is damaged.
    """

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            self._data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        if len(self._data) < _HEADER:
            raise damaged()
        shift, _ = struct.unpack_from("<HH", self._data, 30)
        if shift not in (9, 12):
            raise damaged()
        self._size = 1 << shift
        start, self._cutoff, self._mini_start = struct.unpack_from("<I4xII", self._data, 48)
        self._next = self._allocation()
        self._entries = self._directory(start)
        self._mini: tuple[bytes, tuple[int, ...]] | None = None

    def __contains__(self, name: str) -> bool:
        return name in self._entries

    def read(self, name: str) -> bytes:
        """A stream that is there."""
        start, size = self._entries[name]
        if size >= self._cutoff:
            return self._chain(start)[:size]
        text, following = self._mini_stream()
        sectors = _followed(start, following)
        return b"".join(text[n * _MINI_SECTOR : (n + 1) * _MINI_SECTOR] for n in sectors)[:size]

    def _sector(self, number: int) -> bytes:
        at = (number + 1) * self._size
        return self._data[at : at + self._size]

    def _chain(self, start: int) -> bytes:
        return b"".join(map(self._sector, _followed(start, self._next)))

    def _allocation(self) -> tuple[int, ...]:
        """Sector -> the one that follows it."""
        listed = list(struct.unpack_from("<109I", self._data, 76))
        more = struct.unpack_from("<I", self._data, 68)[0]
        seen: set[int] = set()
        while more < _END and more not in seen:
            seen.add(more)
            *sectors, more = _numbers(self._sector(more)) or (_END,)
            listed += sectors
        # A table names no more sectors than there are, whatever the file says.
        count = len(self._data) // self._size
        needed = count * 4 // self._size + 1
        listed = [sector for sector in listed if sector < count][:needed]
        return _numbers(b"".join(map(self._sector, listed)))[:count]

    def _directory(self, start: int) -> dict[str, tuple[int, int]]:
        """Names of streams -> first sector and size."""
        text, found = self._chain(start), {}
        for at in range(0, len(text) - 127, 128):
            length, kind = struct.unpack_from("<HB", text, at + 64)
            if kind in (2, 5) and 2 <= length <= 64:
                name = text[at : at + length - 2].decode("utf-16-le", "replace")
                found["" if kind == 5 else name] = struct.unpack_from("<II", text, at + 116)
        return found

    def _mini_stream(self) -> tuple[bytes, tuple[int, ...]]:
        """Where short streams lie, and their own table."""
        if self._mini is None:
            if "" not in self._entries:
                raise damaged()
            start, size = self._entries[""]
            self._mini = self._chain(start)[:size], _numbers(self._chain(self._mini_start))
        return self._mini


def _numbers(text: bytes) -> tuple[int, ...]:
    return struct.unpack(f"<{len(text) // 4}I", text[: len(text) // 4 * 4])


def _followed(start: int, following: tuple[int, ...]) -> list[int]:
    """The sectors of a chain. :raises BadInput: it leads nowhere or in a circle."""
    found: list[int] = []
    while start < _END:
        if start >= len(following) or len(found) > len(following):
            raise damaged()
        found.append(start)
        start = following[start]
    return found
