"""The texts that an xlsx workbook keeps in one place, each once; its cells name them by number.

Excel saves every list so. As strings of Python they cost a hundred bytes each, so they lie in a
nameless file, from which a cell's text is taken when the cell is read.
"""

from __future__ import annotations

import mmap
import re
from array import array
from typing import IO

from app.kernel.exchange.limits import MAX_LENGTH, MAX_TEXTS, too_much
from app.kernel.exchange.spool import nameless
from app.kernel.exchange.workbooks.documents import Handler, damaged, local, read

_TEXT = re.compile(r'\s*<si>\s*<t(?: xml:space="preserve")?>([^<]*)</t>\s*</si>')
_ENTITY = re.compile(r"&(?:(amp|lt|gt|quot|apos)|#([0-9]{1,7})|#x([0-9a-fA-F]{1,6}));")
_NAMED = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}
_ESCAPE = re.compile("_x([0-9A-Fa-f]{4})_")
_KEPT = {9, 10}


def unescaped(raw: str) -> str:
    """Text as it stands in a document, without its entities.

    :raises BadInput: one that XML does not know.
    """
    if "&" not in raw:
        return raw
    if raw.count("&") != sum(1 for _ in _ENTITY.finditer(raw)):
        raise damaged()
    return _ENTITY.sub(_entity, raw)


def _entity(found: re.Match[str]) -> str:
    if found[1]:
        return _NAMED[found[1]]
    code = int(found[2]) if found[2] else int(found[3], 16)
    if code > 0x10FFFF or 0xD800 <= code < 0xE000 or (code < 32 and code not in (9, 10, 13)):
        raise damaged()
    return chr(code)


def without_escapes(text: str) -> str:
    """``_x0041_`` is how Excel writes a character that XML cannot hold; those are nothing to us."""
    return _ESCAPE.sub(_character, text) if "_x" in text else text


def _character(found: re.Match[str]) -> str:
    code = int(found[1], 16)
    if 0xD800 <= code < 0xE000:
        return found[0]
    return chr(code) if code >= 32 or code in _KEPT else ""


class TextCollector:
    """Puts the parts of a rich text together; what tells its pronunciation is left out."""

    def __init__(self) -> None:
        self._forget()

    def start(self, name: str) -> None:
        """An element begins within the text."""
        if name == "rPh":
            self._phonetic += 1
        elif name == "t":
            self._in_text = not self._phonetic

    def end(self, name: str) -> None:
        """An element ends within the text."""
        if name == "rPh":
            self._phonetic -= 1
        elif name == "t":
            self._in_text = False

    def data(self, text: str) -> None:
        """Text; kept as long as Excel would."""
        if self._in_text and self._length <= MAX_LENGTH:
            self._parts.append(text)
            self._length += len(text)

    def taken(self) -> str:
        """The text; a new one begins."""
        text = without_escapes("".join(self._parts))[:MAX_LENGTH]
        self._forget()
        return text

    def _forget(self) -> None:
        self._parts: list[str] = []
        self._length = self._phonetic = 0
        self._in_text = False


class Texts:
    """Texts by the number in which they were kept; read once :meth:`close` was called."""

    def __init__(self) -> None:
        self._ends = array("Q", [0])
        self._map: mmap.mmap | bytes = b""
        self._file = nameless(self)

    def keep(self, text: str) -> None:
        """:raises BadInput: they are too many."""
        if len(self) >= MAX_TEXTS:
            raise too_much()
        said = text.encode("utf-8", "surrogatepass")
        self._file.write(said)
        self._ends.append(self._ends[-1] + len(said))

    def close(self) -> None:
        """No text follows; the map keeps the file from here on."""
        self._file.flush()
        if size := self._file.tell():
            self._map = mmap.mmap(self._file.fileno(), size, access=mmap.ACCESS_READ)
        self._file.close()

    def __len__(self) -> int:
        return len(self._ends) - 1

    def __getitem__(self, number: int) -> str:
        """:raises BadInput: there is no such text."""
        if not 0 <= number < len(self):
            raise damaged()
        said = self._map[self._ends[number] : self._ends[number + 1]]
        return said.decode("utf-8", "surrogatepass")


def shared_texts(stream: IO[bytes] | None) -> Texts:
    """The texts of the part of an xlsx workbook that holds them; None: it has none.

    :raises BadInput: it is damaged, or they are too many.
    """
    document = _SharedTexts()
    if stream is not None:
        for _ in read(
            stream, document, inside=lambda: document.depth == 1, opening=b"<sst",
            closing=b"</si>", quick=document.quick,
        ):  # fmt: skip
            pass
    document.found.close()
    return document.found


class _SharedTexts(Handler):
    """Hears that part."""

    def __init__(self) -> None:
        self.found = Texts()
        self.depth = 0
        self._collector = TextCollector()

    def quick(self, element: str) -> bool:
        """Take a text that is written as usual."""
        if (found := _TEXT.fullmatch(element)) is None:
            return False
        self.found.keep(without_escapes(unescaped(found[1]))[:MAX_LENGTH])
        return True

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        self._collector.start(local(tag))

    def end(self, tag: str) -> None:
        self.depth -= 1
        name = local(tag)
        self._collector.end(name)
        if name == "si":
            self.found.keep(self._collector.taken())

    def data(self, text: str) -> None:
        self._collector.data(text)
