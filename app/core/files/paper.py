"""A paper that people read: text in chapters with tables, the same in Word, as PDF and on a page."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Grid:
    """A table: over each column its texts from the top down, the first column names the row."""

    title: str
    heads: tuple[tuple[str, ...], ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Chapter:
    """A part of the text with the tables that stand in it."""

    title: str
    paragraphs: tuple[str, ...]
    grids: tuple[Grid, ...] = ()


@dataclass(frozen=True)
class Paper:
    """The whole report, in the language of the moment it was made."""

    title: str
    lead: str
    chapters: tuple[Chapter, ...]
    annexes: tuple[Grid, ...]
    signed: str
    day: str

    def data(self) -> dict[str, Any]:
        """As plain data, for templates."""
        return asdict(self)
