"""Lists of households as tests need them."""

from __future__ import annotations

import io
from typing import Any

from app.kernel.exchange.columns import COLUMNS
from app.kernel.exchange.writer import Book, Column
from tests import builders

HEADS = [column.label for column in COLUMNS]
PLACE = ["陕西省", "西安市", "蓝田县", "灞源镇", "秦谷村委会"]
Row = list[Any]


def row(serial: int = 1, **changes: str) -> Row:
    """A faultless row of the list; ``changes`` by column name."""
    number = builders.id_number(serial)
    sex = "男" if int(number[16]) % 2 else "女"
    values = [*PLACE, "八组", f"王{_chinese(serial)}", number, sex, "汉族",
              f"1390918{serial:04}", 5, 2019]  # fmt: skip
    names = [column.name for column in COLUMNS]
    for name, value in changes.items():
        values[names.index(name)] = value
    return values


def _chinese(number: int) -> str:
    return "".join("零一二三四五六七八九"[int(digit)] for digit in str(number))


def book(rows: list[Row], heads: list[str] = HEADS) -> io.BytesIO:
    """A workbook with these rows."""
    made = io.BytesIO()
    with Book(made) as writer:
        writer.table("名单", [Column((head,)) for head in heads], rows)
    made.seek(0)
    return made
