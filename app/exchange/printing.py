"""Papers: PDF from a typst template in ``papers/`` and data, which reach it as JSON and never as
markup, so that nothing somebody typed is ever read as instructions.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pylopdf_fonts_zh_cn
import typst

MEDIA_TYPE = "application/pdf"
PAPERS = Path(__file__).parent / "papers"
_FONTS = [str(Path(pylopdf_fonts_zh_cn.__file__).parent)]


def pdf(paper: str, data: dict[str, Any]) -> bytes:
    """``papers/<paper>.typ`` filled with ``data``, which the template reads with
    ``json(bytes(sys.inputs.data))``. Fonts: Noto Sans SC, Noto Serif SC, then the system's.
    """
    return _compiler(paper).compile(
        sys_inputs={"data": json.dumps(data, ensure_ascii=False)}, format="pdf"
    )


@cache
def _compiler(paper: str) -> Any:
    """One for each paper: reading the fonts takes longer than setting a page."""
    return typst.Compiler(input=str(PAPERS / f"{paper}.typ"), root=str(PAPERS), font_paths=_FONTS)
