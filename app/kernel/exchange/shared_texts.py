"""The texts that an xlsx workbook keeps in one place, each once; its cells name them by number.

Excel saves every list so. Opened, they cost a hundred bytes each, and every piece of a sheet would
open them anew. So they lie as they are in a nameless file, and a piece's cells get theirs put in
before it is opened.
"""

from __future__ import annotations

import mmap
import re
import tempfile
from array import array
from typing import IO

_BLOCK = 1024 * 1024
_LONGEST = 16 * _BLOCK
_TEXT = re.compile(rb"<(?:\w+:)?si(?:\s[^>]*)?(?:/>|>(.*?)</(?:\w+:)?si\s*>)", re.DOTALL)
_USUAL = re.compile(rb' t="s"([^>]*)><v>([0-9]+)</v>')
_ANY = re.compile(
    rb"""\st\s*=\s*["']s["']([^>]*)>\s*<(?:\w+:)?v\s*>\s*([0-9]+)\s*</(?:\w+:)?v\s*>"""
)


class SharedTexts:
    """The texts of ``stream``, the part of the workbook that holds them.

    :raises ValueError: it cannot be read so (remarks or raw text in it, or no end).
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self._ends = array("Q", [0])
        # Nameless: nothing of it outlives the process; the map keeps it open.
        with tempfile.TemporaryFile() as file:
            self._copy(stream, file)
            size = file.tell()
            file.flush()
            self._map = mmap.mmap(file.fileno(), size) if size else b""

    def _copy(self, stream: IO[bytes], file: IO[bytes]) -> None:
        rest = b""
        while block := stream.read(_BLOCK):
            rest += block
            if b"<!" in rest or len(rest) > _LONGEST:
                raise ValueError("not plain texts")
            end = 0
            for found in _TEXT.finditer(rest):
                text, end = found[1] or b"", found.end()
                file.write(text)
                self._ends.append(self._ends[-1] + len(text))
            rest = rest[end:]

    def __len__(self) -> int:
        return len(self._ends) - 1

    def put_in(self, piece: bytes) -> bytes:
        """A piece of a sheet with the texts in its cells.

        :raises ValueError: a cell names a text that is not there.
        """
        usual, count = _USUAL.subn(self._inline, piece)
        if count == piece.count(b' t="s"') and b"t='s'" not in piece:
            return usual
        return _ANY.sub(self._inline, piece)

    def _inline(self, cell: re.Match[bytes]) -> bytes:
        number = int(cell[2])
        if number >= len(self):
            raise ValueError("no such text")
        text = self._map[self._ends[number] : self._ends[number + 1]]
        return b' t="inlineStr"%b><is>%b</is>' % (cell[1], text)
