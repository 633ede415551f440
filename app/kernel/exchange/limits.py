"""How much a file of a list may hold: what is more costs minutes or gigabytes and is refused in words."""

from __future__ import annotations

from dataclasses import dataclass

from app.core.errors import BadInput
from app.core.i18n import mark, translate

MAX_BYTES = 40 * 1024 * 1024
MAX_ROWS = 500_000
MAX_COLUMNS = 400
MAX_SHEETS = 200
MAX_MERGED = 100_000
MAX_TEXTS = 4_000_000
MAX_LENGTH = 32_767
"""Characters of a cell, in Excel too."""

TOO_MANY_ROWS = mark("行数超过%(n)s，请拆分后分别导入。")
TOO_MANY_SHEETS = mark("工作表超过%(n)s张，请拆分后分别导入。")
TOO_MUCH = mark("表格内容过多，请拆分后分别导入。")
PASSWORD = mark("文件设有密码，请在Excel或WPS中去掉密码后再导入。")


@dataclass
class Limits:
    """What the sheets of a workbook may still hold together."""

    cells: int = 20_000_000
    characters: int = 400_000_000

    def take(self, cells: list[str]) -> None:
        """A row is kept. :raises BadInput: it is too much."""
        self.cells -= len(cells)
        self.characters -= sum(map(len, cells))
        if self.cells < 0 or self.characters < 0:
            raise too_much()


def too_much() -> BadInput:
    """What is said of a workbook that holds more than lists do."""
    return BadInput(translate(TOO_MUCH))


def too_many_rows(most: int = MAX_ROWS) -> BadInput:
    """What is said of more rows than ``most``."""
    return BadInput(translate(TOO_MANY_ROWS, n=f"{most:,}"))


def require_size(size: int) -> None:
    """:raises BadInput: a file of so many bytes is empty, or larger than :data:`MAX_BYTES`."""
    if not size:
        raise BadInput(translate("文件是空的（0字节），请重新选择。"))
    if size > MAX_BYTES:
        raise BadInput(translate("文件超过40 MB，请拆分后分别导入。"))


def require_few_sheets(count: int) -> None:
    """:raises BadInput: more than :data:`MAX_SHEETS`; each costs an open file."""
    if count > MAX_SHEETS:
        raise BadInput(translate(TOO_MANY_SHEETS, n=MAX_SHEETS))
