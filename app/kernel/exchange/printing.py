"""Papers: PDF from a typst template and data, which reach it as JSON and never as markup, so that
nothing somebody typed is ever read as instructions. A paper lies in ``papers/`` beside the module that
fills it.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

import pylopdf_fonts_zh_cn
import typst

from app.kernel.exchange import glyphs

MEDIA_TYPE = "application/pdf"
_FONTS = [str(Path(pylopdf_fonts_zh_cn.__file__).parent)]
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
    data, lacking = glyphs.replaced(data, _FONTS)
    if lacking:
        data = data | {_LACKING: lacking}
    inputs = {"data": json.dumps(data, ensure_ascii=False)}
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder, template.name)
        page.write_bytes(template.read_bytes() + _END)
        for name, content in (pictures or {}).items():
            Path(folder, name).write_bytes(content)
        with _one_at_a_time:
            return _compiler().compile(
                input=str(page), root=folder, sys_inputs=inputs, format="pdf"
            )


@cache
def _compiler() -> Any:
    """One for all papers: reading the fonts takes longer than setting a page."""
    return typst.Compiler(font_paths=_FONTS)
