"""The head of a list: which row names its columns, what of them is missing, what is not read.

A head is one row, or two (a section above a field), among the first rows of a sheet. Every sheet with
one is read; rows of the second sheet and of those after it are numbered on, so that one number says
where a row stands (:func:`row_text`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from app.core.errors import BadInput
from app.core.i18n import _, mark, translate
from app.kernel.exchange.sheet import Sheet, Workbook
from app.kernel.kinds import formats

_ASKED_IN_A_ROW = 5
_LONGEST_FORM = 60
LOOK_FOR_HEAD = 10
"""The head row is one of the first so many; titles may stand above it."""

SHEET = 1 << 20
"""More than the rows of any sheet: what a sheet's rows are numbered on by."""

ROW, RESULT, MESSAGES = mark("原行号"), mark("处理结果"), mark("问题说明")
"""Columns that the marked workbook of an import has besides."""

_HIDDEN_TOLD = 200

_MARKS = re.compile(r"[\s*:\u3001/_-]")


def plain_head(text: str) -> str:
    """A head without what is in brackets, blanks and marks: 建筑面积（平方米）* is 建筑面积."""
    bare = formats.half_width(str(text))
    return _MARKS.sub("", re.sub(r"(?<=.)\(.*?\)", "", bare))


@dataclass(frozen=True)
class Wanted:
    """What a list must name. ``names`` are heads as :func:`plain_head` gives them -> column."""

    names: Mapping[str, str]
    #: What people call a column.
    label_of: Callable[[str], str]
    #: What is lacking where only these columns are named, as people call it; nothing: it is a head.
    lacking: Callable[[Collection[str]], Sequence[str]]
    #: Columns that may stand once only: which one counts would be a guess.
    once: bool = False
    #: Heads of an own sheet that nobody reads, and nobody need be told of.
    silent: Collection[str] = ()


@dataclass(frozen=True)
class Head:
    """Where the columns of a sheet stand: column -> index. Data begin below row ``row``."""

    sheet: Sheet
    row: int
    labels: tuple[str, ...]
    columns: dict[str, int]

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """The rows below it in which one of its columns says something."""
        places = tuple(self.columns.values())
        for number, cells in self.sheet:
            if number > self.row and any(cells[i].strip() for i in places if i < len(cells)):
                yield number, cells

    @property
    def height(self) -> int:
        """How many rows lie below it."""
        return max(0, self.sheet.height - self.row)

    @property
    def hidden(self) -> list[str]:
        """Columns that are read and that nobody sees."""
        read = sorted(self.columns.values())
        return [self.labels[index] for index in read if self.sheet.hides(index + 1)]

    @property
    def ignored(self) -> list[str]:
        """Columns that say something and are not read."""
        known, ours = set(self.columns.values()), own_heads()
        given = (text for i, text in enumerate(self.labels) if i not in known)
        return [text for text in given if text.strip() and text.strip() not in ours]


def own_heads() -> set[str]:
    """What the columns are called that a marked workbook has besides."""
    return {text for head in (ROW, RESULT, MESSAGES) for text in (head, translate(head))}


def find_heads(sheets: Sequence[Sheet], wanted: Wanted) -> list[Head]:
    """The heads of all sheets that have one.

    :raises BadInput: none has, or one names a column twice that may stand once: it says which.
    """
    best = [one for sheet in sheets if (one := _best(sheet, wanted.names)) is not None]
    lists = [head for head in best if not _is_form(head, wanted.names)]
    found = [head for head in lists if not wanted.lacking(head.columns)]
    if not found:
        raise BadInput(_what_lacks(lists, wanted) if lists or not best else _no_list(best[0]))
    if wanted.once:
        for head in found:
            _require_once(head, wanted)
    return found


def _best(sheet: Sheet, names: Mapping[str, str]) -> Head | None:
    """The row that names most columns; a section may be called like one of its fields."""
    best: Head | None = None
    above: list[str] = []
    for number, cells in sheet:
        if number > LOOK_FOR_HEAD:
            break
        own = [str(cell).strip() for cell in cells]
        above += [""] * (len(own) - len(above))
        labels = tuple(cell or over for cell, over in zip(own, above, strict=False))
        columns: dict[str, int] = {}
        for index, label in enumerate(labels):
            if (name := names.get(plain_head(label))) is not None:
                columns.setdefault(name, index)
        if columns and (best is None or len(columns) > len(best.columns)):
            best = Head(sheet, number, labels, columns)
        above = own
    return best


def _has_head(sheet: Sheet, wanted: Wanted) -> bool:
    head = _best(sheet, wanted.names)
    return head is not None and not wanted.lacking(head.columns)


def _is_form(head: Head, names: Mapping[str, str]) -> bool:
    """Is the sheet about one household: what it asks for stands in several rows, each beside what is
    said?
    """
    if len(head.columns) > _ASKED_IN_A_ROW:
        return False
    others: set[str] = set()
    rows = 0
    for number, cells in islice(head.sheet, _LONGEST_FORM):
        here = {name for cell in cells if (name := names.get(plain_head(cell)))} - {*head.columns}
        # A section above the head may be called like a field.
        if here and number not in (head.row - 1, head.row):
            rows += 1
            others |= here
    return rows >= 2 and len(others) >= 2


def _no_list(head: Head) -> str:
    return _(
        "工作表“%(sheet)s”是一户一张的表格，不是名单，不能直接导入：请下载模板，每户填一行。",
        sheet=head.sheet.name,
    )


#: So many columns that were found are told beside those that were not.
_FEW = 5


def _what_lacks(best: Sequence[Head], wanted: Wanted) -> str:
    nearest = max(best, key=lambda head: len(head.columns), default=None)
    if nearest is None or len(nearest.columns) < 2:
        return _(
            "前%(n)s行中没有找到表头（应有%(heads)s等列），请下载模板，按模板填写。",
            n=LOOK_FOR_HEAD,
            heads=_listed(wanted.lacking(())),
        )
    said = {
        "sheet": nearest.sheet.name,
        "row": nearest.row,
        "lacking": _listed(wanted.lacking(nearest.columns)),
    }
    if len(nearest.columns) > _FEW:
        return _("工作表“%(sheet)s”第%(row)s行的表头缺%(lacking)s，请按模板补上后再导入。", **said)
    return _(
        "工作表“%(sheet)s”第%(row)s行的表头只认出%(known)s，还缺%(lacking)s，请按模板补上后再导入。",
        known=_listed([nearest.labels[index] for index in nearest.columns.values()]),
        **said,
    )


def _require_once(head: Head, wanted: Wanted) -> None:
    for name, index in head.columns.items():
        same = [text for text in head.labels if wanted.names.get(plain_head(text)) == name]
        if len(same) < 2:
            continue
        if len(set(same)) == 1:
            raise BadInput(
                _(
                    "第%(row)s行表头中“%(label)s”列出现了%(n)s次，请只保留一列。",
                    row=head.row,
                    label=head.labels[index],
                    n=len(same),
                )
            )
        raise BadInput(
            _(
                "第%(row)s行表头中%(heads)s都是“%(label)s”列，请只保留一列，其余的列请改名或删除。",
                row=head.row,
                heads=_listed(same),
                label=wanted.label_of(name),
            )
        )


def _listed(words: Sequence[str]) -> str:
    """“县”、“乡镇”、“村”."""
    return translate("、").join(translate("“%(name)s”", name=word) for word in words)


# ---- where a row stands ----------------------------------------------------------------------


def row_text(number: int, sheets: Sequence[str] = ()) -> str:
    """Where the row with this number stands, as Excel writes it: ``3``, of a second sheet ``东街!3``;
    ``sheets`` are the names of those that were read.
    """
    sheet, row = divmod(number - 1, SHEET)
    if not sheet and len(sheets) < 2:
        return str(row + 1)
    return f"{sheets[sheet] if sheet < len(sheets) else sheet + 1}!{row + 1}"


def not_read(heads: Sequence[Head], sheets: Workbook, wanted: Wanted) -> dict[str, Any]:
    """What of a workbook is not read or not seen in Excel: names of sheets, columns, numbers of rows,
    cells. Hidden sheets that are no lists (a template has one with choices) are nobody's concern.
    """
    read = {id(head.sheet) for head in heads}
    every = (text for head in heads for text in head.ignored)
    ignored = dict.fromkeys(text for text in every if plain_head(text) not in wanted.silent)
    return {
        "sheets": [head.sheet.name for head in heads],
        "unread": [sheet.name for sheet in sheets if id(sheet) not in read and sheet.height],
        "hidden": [sheet.name for sheet in sheets.hidden if _has_head(sheet, wanted)],
        "ignored": list(ignored),
        "hidden_rows": [
            number * SHEET + row
            for number, head in enumerate(heads)
            for row in head.sheet.hidden_rows
            if row > head.row
        ][:_HIDDEN_TOLD],
        "hidden_columns": list(dict.fromkeys(text for head in heads for text in head.hidden)),
        "left_out": [cell for head in heads for cell in head.sheet.left_out],
    }
