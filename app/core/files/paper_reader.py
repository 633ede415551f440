"""Reads one PDF from stdin in a process of its own, with little memory and time: a file of unknown
hands may loop, swell or crash its reader, and takes no page of the program with it.

Writes one line of JSON, ``{"refused": reason}`` or ``{"pages": n}``, and after the second the first
page as a JPEG. Run by :mod:`app.core.files.paper_formats`; it imports nothing of ours.
"""

from __future__ import annotations

import io
import json
import resource
import sys
from collections.abc import Iterator
from typing import Any

import pikepdf
import pypdfium2

SECONDS, BYTES = 8, 1024 * 1024 * 1024
SIDE = 360
#: Keys and names with which a paper does something by itself or carries other files.
_ACTIVE = frozenset(
    f"/{name}"
    for name in [
        "JavaScript",
        "JS",
        "Launch",
        "EmbeddedFile",
        "EmbeddedFiles",
        "RichMedia",
        "SubmitForm",
        "ImportData",
        "XFA",
        "Movie",
    ]
)


def main() -> None:
    """Judge the file on stdin."""
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))
    data = sys.stdin.buffer.read()
    refused = _problem(data)
    if refused:
        _say({"refused": refused})
        return
    paper = pypdfium2.PdfDocument(data)
    width, height = paper[0].get_size()
    picture = paper[0].render(scale=SIDE / max(width, height, 1)).to_pil()
    out = io.BytesIO()
    picture.convert("RGB").save(out, "JPEG", quality=80)
    _say({"pages": len(paper)})
    sys.stdout.buffer.write(out.getvalue())


def _say(answer: dict[str, Any]) -> None:
    sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n")


def _problem(data: bytes) -> str:
    """``locked``, ``active``, or nothing."""
    try:
        with pikepdf.open(io.BytesIO(data)) as paper:
            if paper.is_encrypted:
                return "locked"
            if not len(paper.pages):
                raise pikepdf.PdfError
            everything = (*paper.objects, paper.trailer)
            return "active" if any(_ACTIVE & set(_words(one)) for one in everything) else ""
    except pikepdf.PasswordError:
        return "locked"


def _words(one: Any) -> Iterator[str]:
    """Every key and every name inside an object, but not in the objects that it points to."""
    inside = [one]
    while inside:
        value = inside.pop()
        if isinstance(value, pikepdf.Name):
            yield str(value)
        elif isinstance(value, pikepdf.Stream | pikepdf.Dictionary):
            held = value.stream_dict if isinstance(value, pikepdf.Stream) else value
            for key, part in held.items():
                yield key
                inside.append(part) if _direct(part) else None
        elif isinstance(value, pikepdf.Array):
            inside.extend(part for part in value if _direct(part))


def _direct(part: Any) -> bool:
    return not (isinstance(part, pikepdf.Object) and part.is_indirect)


if __name__ == "__main__":
    main()
