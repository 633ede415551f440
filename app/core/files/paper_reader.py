"""Reads one PDF from stdin in a process of its own, with little memory and time: a file of unknown
hands may loop, swell or crash its reader, and takes no page of the program with it.

What a paper does or carries is told by how its objects hang together, as readers see it: an action is
what stands where actions stand, a file is what a file specification embeds. What a stream or a name
calls itself counts for nothing: a font may be called JS, and an attachment need not call itself one.

Writes one line of JSON, ``{"refused": reason}`` or ``{"pages": n, "thumb": bytes}``, and after it the
first page as a JPEG of so many bytes and, where links were taken out, the paper without them. Run by
:mod:`app.core.files.paper_formats`; it imports nothing of ours.
"""

from __future__ import annotations

import io
import json
import resource
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import pikepdf
import pypdfium2

SECONDS, BYTES = 8, 1024 * 1024 * 1024
SIDE = 360
#: Actions that run something, send something, or play something.
_RUNS = frozenset(
    f"/{name}"
    for name in [
        "JavaScript",
        "Launch",
        "GoToE",
        "SubmitForm",
        "ImportData",
        "Sound",
        "Movie",
        "Rendition",
        "RichMediaExecute",
        "GoTo3DView",
    ]
)
#: Actions that lead out of the paper when somebody clicks: papers of offices have them, and need none.
_LEADS_OUT = frozenset({"/URI", "/GoToR", "/Thread"})
_ACTION_KEYS = {"/A", "/PA", "/OpenAction", "/Next"}
_CARRIERS = frozenset({"/FileAttachment", "/Sound", "/Movie", "/Screen", "/RichMedia", "/3D"})
Held = dict[str, Any]  # what a dictionary holds, by key
_FILE_KEYS = ("/F", "/UF", "/DOS", "/Mac", "/Unix")


def main() -> None:
    """Judge the file on stdin."""
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))
    data = sys.stdin.buffer.read()
    refused, content = _judged(data)
    if refused:
        _say({"refused": refused})
        return
    paper = pypdfium2.PdfDocument(content or data)
    width, height = paper[0].get_size()
    picture = paper[0].render(scale=SIDE / max(width, height, 1)).to_pil()
    out = io.BytesIO()
    picture.convert("RGB").save(out, "JPEG", quality=80)
    _say({"pages": len(paper), "thumb": out.tell()})
    sys.stdout.buffer.write(out.getvalue() + content)


def _say(answer: dict[str, Any]) -> None:
    sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n")


def _judged(data: bytes) -> tuple[str, bytes]:
    """``locked`` or ``active``, or nothing; and the paper without links, where it had some."""
    try:
        with pikepdf.open(io.BytesIO(data)) as paper:
            if paper.is_encrypted:
                return "locked", b""
            if not len(paper.pages):
                raise pikepdf.PdfError
            links = _links(paper)
            if links is None:
                return "active", b""
            if not links:
                return "", b""
            for holder, key in links:
                del holder[key]
            out = io.BytesIO()
            paper.save(out)
    except pikepdf.PasswordError:
        return "locked", b""
    with pikepdf.open(io.BytesIO(out.getvalue())) as paper:  # what nothing points to is gone now
        left = any(_is_action(held, _LEADS_OUT) for _one, held in _dictionaries(paper))
    return ("active", b"") if left else ("", out.getvalue())


def _links(paper: pikepdf.Pdf) -> Sequence[tuple[Any, str]] | None:
    """Where something leads out of the paper: a dictionary and its key. None where it does something by
    itself, or carries files, sounds or films.
    """
    names, form = (paper.Root.get(key) for key in ("/Names", "/AcroForm"))
    if isinstance(names, pikepdf.Dictionary) and "/JavaScript" in names:
        return None
    if isinstance(form, pikepdf.Dictionary) and "/XFA" in form:
        return None
    found = []
    for one, held in _dictionaries(paper):
        if _runs_or_carries(one, held):
            return None
        leading = {key for key, action in _actions(held) if _name(action, "/S") in _LEADS_OUT}
        found += [(one, key) for key in leading]
    return found


def _runs_or_carries(one: Any, held: Held) -> bool:
    if "/F" in held and isinstance(one, pikepdf.Stream):  # its bytes stand in another file
        return True
    if _is_action(held, _RUNS) or any(_name(act, "/S") in _RUNS for _key, act in _actions(held)):
        return True
    if "/Rect" in held and _name(held, "/Subtype") in _CARRIERS:
        return True
    files = held.get("/EF")
    return isinstance(files, pikepdf.Dictionary) and any(
        isinstance(files.get(key), pikepdf.Stream) for key in _FILE_KEYS
    )


def _is_action(held: Held, kinds: frozenset[str]) -> bool:
    """An action wherever it stands; parts of a text may have names of their own in the same place."""
    if _name(held, "/S") not in kinds:
        return False
    return _name(held, "/Type") != "/StructElem" and not ("/P" in held and "/K" in held)


def _actions(held: Held) -> Iterator[tuple[str, Any]]:
    """What stands where readers look for actions, with the key that leads there."""
    for key in _ACTION_KEYS & held.keys():
        there = held[key]
        for action in there if isinstance(there, pikepdf.Array) else [there]:
            if isinstance(action, pikepdf.Dictionary):
                yield key, action
    occasions = held.get("/AA")
    if isinstance(occasions, pikepdf.Dictionary):
        for action in occasions.values():
            if isinstance(action, pikepdf.Dictionary):
                yield "/AA", action


def _name(held: Any, key: str) -> str:
    """The name that stands there, or nothing."""
    value = held.get(key)
    return str(value) if isinstance(value, pikepdf.Name) else ""


def _dictionaries(paper: pikepdf.Pdf) -> Iterator[tuple[Any, Held]]:
    """Every dictionary and stream of it, those inside others too, with what it holds."""
    for whole in (*paper.objects, paper.trailer):
        inside = [whole]
        while inside:
            value = inside.pop()
            if isinstance(value, pikepdf.Stream | pikepdf.Dictionary):
                held = value.stream_dict if isinstance(value, pikepdf.Stream) else value
                parts = dict(held.items())
                yield value, parts
                inside.extend(part for part in parts.values() if _direct(part))
            elif isinstance(value, pikepdf.Array):
                inside.extend(part for part in value if _direct(part))


def _direct(part: Any) -> bool:
    return not (isinstance(part, pikepdf.Object) and part.is_indirect)


if __name__ == "__main__":
    main()
