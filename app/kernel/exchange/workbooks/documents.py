"""An XML document of a workbook, read in bounded memory.

Python's own parser costs microseconds an element, and a list has millions. So the rows of a document
that is written as Excel, WPS, LibreOffice and the usual libraries write it are handed on as text, many
at once, for a pattern to read; whatever is written otherwise goes to the parser.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import IO
from xml.parsers import expat

from app.core.errors import BadInput
from app.core.i18n import mark, translate

BLOCK = 1024 * 1024
PIECE = 16 * 1024
"""So much is parsed before what was found is handed on: a cell of few bytes may name a long text."""

LONGEST = 4 * BLOCK
"""Of one element; Excel's longest cell has 32,767 characters."""

DAMAGED = mark("文件损坏或不是真正的Excel文件，请用Excel或WPS打开后另存为xlsx再导入。")

_ENCODING = re.compile(rb"""\s*<\?xml[^>]*encoding\s*=\s*["']([^"']*)""")
_DEEPEST = 100
_CONTROLS = bytes({*range(32)} - {9, 10, 13})


def damaged() -> BadInput:
    """What is said of a file that says nothing sensible."""
    return BadInput(translate(DAMAGED))


def local(tag: str) -> str:
    """An element's or attribute's name without its prefix."""
    return tag.rpartition(":")[2]


class Document:
    """A parser that takes a document piece by piece. ``handler`` hears it."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._parser = parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler, parser.EndElementHandler = self._start, self._end
        parser.CharacterDataHandler = handler.data
        parser.StartDoctypeDeclHandler = _refuse_doctype
        self._fed = self._depth = 0

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > _DEEPEST:  # each costs the parser memory
            raise damaged()
        self._handler.start(tag, attributes)

    def _end(self, tag: str) -> None:
        self._depth -= 1
        self._handler.end(tag)

    def feed(self, piece: bytes, *, last: bool = False) -> None:
        """Parse a piece.

        :raises BadInput: it is no XML, has a document type, or an element without an end.
        """
        self._fed += len(piece)
        try:
            self._parser.Parse(piece, last)
        except (expat.ExpatError, ValueError, LookupError) as error:
            raise damaged() from error
        # The parser looks at an element from its begin on with every piece.
        if self._fed - self._parser.CurrentByteIndex > LONGEST:
            raise damaged()


class Handler:
    """Hears a document; those that derive say of what."""

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """An element begins."""

    def end(self, tag: str) -> None:
        """An element ends."""

    def data(self, text: str) -> None:
        """Text in an element."""


def _refuse_doctype(*_: object) -> None:
    raise ValueError("entities may stand for gigabytes")


def parse(stream: IO[bytes], handler: Handler) -> None:
    """Hear a whole document."""
    document = Document(handler)
    while block := stream.read(BLOCK):
        document.feed(block)
    document.feed(b"", last=True)


def read(
    stream: IO[bytes],
    handler: Handler,
    *,
    inside: Callable[[], bool],
    opening: bytes,
    closing: bytes,
    quick: Callable[[str], bool],
) -> Iterator[None]:
    """Read a document whose element ``opening`` (``<sheetData``) holds many that end with ``closing``
    (``</row>``). ``quick`` is given such elements whole, one by one; it takes it, or says that
    it cannot and has taken nothing; then ``handler`` hears them. ``inside``: is the handler right
    within ``opening``? Yields now and then, for what was found to be fetched.
    """
    document = Document(handler)
    rest = stream.read(BLOCK)
    start = rest.find(opening)
    if start >= 0 and b"<!" not in rest[:start] and _is_utf8(rest):
        end = rest.find(b">", start) + 1
        document.feed(rest[:end])
        rest = rest[end:]
        while inside() and b"<!" not in rest and len(rest) <= LONGEST:
            if cut := rest.rfind(closing) + 1:
                cut += len(closing) - 1
                yield from _elements(document, rest[:cut], closing, quick)
                rest = rest[cut:]
            if not (block := stream.read(BLOCK)):
                break
            rest += block
    while rest:
        yield from _parsed(document, rest)
        rest = stream.read(BLOCK)
    document.feed(b"", last=True)
    yield


def _parsed(document: Document, text: bytes) -> Iterator[None]:
    for at in range(0, len(text), PIECE):
        document.feed(text[at : at + PIECE])
        yield


def _elements(
    document: Document, elements: bytes, closing: bytes, quick: Callable[[str], bool]
) -> Iterator[None]:
    """Take whole elements, quickly or by the parser."""
    if len(elements.translate(None, _CONTROLS)) != len(elements):
        yield from _parsed(document, elements)
        return
    try:
        text = elements.decode()
    except UnicodeDecodeError as error:
        raise damaged() from error
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    end = closing.decode()
    for element in text.split(end)[:-1]:
        whole = element + end
        if not quick(whole):
            document.feed(whole.encode())
        yield


def _is_utf8(block: bytes) -> bool:
    said = _ENCODING.match(block.removeprefix(b"\xef\xbb\xbf"))
    return said is None or said[1].lower() in (b"utf-8", b"us-ascii")
