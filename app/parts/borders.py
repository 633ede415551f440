"""Borders of counties for the map of parcels: a hint, from a file that may be replaced.

``data/borders.zip`` is written by tools/pack_borders.py, which tells its form.
"""

from __future__ import annotations

import json
import zipfile
from functools import lru_cache
from pathlib import Path

from app.parts.outlines import Outline

FILE = Path(__file__).with_name("data") / "borders.zip"
_KEPT = 64


@lru_cache(maxsize=_KEPT)
def of_county(code: str) -> Outline | None:
    """The border of the county with this code (its first six digits count), where it is known."""
    try:
        with zipfile.ZipFile(FILE) as book:
            found: Outline = json.loads(book.read(f"{code[:6]}.json"))
    except (FileNotFoundError, KeyError):
        return None
    return found
