"""Papers: PDF from a typst template and data, which reach it as JSON and never as markup, so that
nothing somebody typed is ever read as instructions. A paper lies in ``papers/`` beside the module that
fills it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

import pylopdf_fonts_zh_cn
import typst

from app.kernel.exchange import glyphs

MEDIA_TYPE = "application/pdf"
_FONTS = [str(Path(pylopdf_fonts_zh_cn.__file__).parent)]
_SETTER = Path(__file__).with_name("typesetter.py")
_SECONDS = 120
_LACKING = "lacking"
#: What stands at the end of a paper that lacks characters.
_END = b"""
#let lacking = json(bytes(sys.inputs.data)).at("lacking", default: none)
#if lacking != none { v(3mm); text(9pt, lacking) }
"""
_one_at_a_time = Lock()  # a compiler that is asked by two threads at once refuses the second


def pdf(template: Path, data: dict[str, Any], pictures: Mapping[str, bytes] | None = None) -> bytes:
    """The ``template`` filled with ``data``, which it reads with ``json(bytes(sys.inputs.data))``, and
    with ``pictures``, which it finds under their names beside it. Fonts: Noto Sans SC, Noto Serif SC,
    then the system's; what none of them draws is told at the end of the paper.
    """
    data, lacking = drawable(data)
    if lacking:
        data = data | {_LACKING: lacking}
    with tempfile.TemporaryDirectory() as folder:
        page = _laid(Path(folder), template, pictures or {})
        with _one_at_a_time:
            return _compiler().compile(
                input=str(page), root=folder, sys_inputs={"data": _json(data)}, format="pdf"
            )


def drawable(data: Any) -> tuple[Any, str]:
    """The data with what no font draws replaced, and the sentence that says so, empty if nothing is."""
    return glyphs.replaced(data, _FONTS)


def part(template: Path, data: dict[str, Any], pictures: Mapping[str, bytes], to: Path) -> None:
    """One part of a paper of many pages into the file ``to``, set by a process of its own, which gives its
    memory back. Its ``data`` are :func:`drawable`.
    """
    with tempfile.TemporaryDirectory() as folder:
        page = _laid(Path(folder), template, pictures)
        _set(["set", str(page), str(to), *_FONTS], _json(data))


def joined(parts: Sequence[Path], to: Path) -> None:
    """These papers one after the other in the file ``to``; each begins on the front of a sheet."""
    _set(["join", str(to), *map(str, parts)], "")


def _set(arguments: list[str], said: str) -> None:
    subprocess.run(
        [sys.executable, "-I", str(_SETTER), *arguments],
        input=said.encode(), capture_output=True, timeout=_SECONDS, check=True,
    )  # fmt: skip


def _laid(folder: Path, template: Path, pictures: Mapping[str, bytes]) -> Path:
    """The template and its pictures in a folder of their own, for a compiler reads files."""
    page = folder / template.name
    page.write_bytes(template.read_bytes() + _END)
    for name, content in pictures.items():
        (folder / name).write_bytes(content)
    return page


def _json(data: dict[str, Any]) -> str:
    return json.dumps(data, ensure_ascii=False)


@cache
def _compiler() -> Any:
    """One for all papers: reading the fonts takes longer than setting a page."""
    return typst.Compiler(font_paths=_FONTS)
