"""The values of a division as they are typed in a form or stand in a row of a file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from app.access.divisions.regions import CODE_LENGTH, DEPARTMENT, Level
from app.admin.divisions.reading import DIGITS_OF
from app.core.errors import Invalid
from app.core.i18n import _
from app.core.types import nfc
from app.kernel.declare.rules import Problem
from app.kernel.kinds.formats import half_width

HIGHEST_SORT = 999_999
LONGEST_NAME, LONGEST_DEPARTMENT, LONGEST_FULL_NAME = 60, 40, 200


def read_values(given: Mapping[str, str], level: Level) -> dict[str, Any]:
    """The typed values of a form or row: name, code, national_code, sort, department.

    :raises Invalid: with a problem for each that cannot be taken.
    """
    problems: list[Problem] = []

    def wrong(field: str, message: str) -> None:
        problems.append(Problem(field, f"region.{field}", message))

    name = "".join(nfc(given.get("name", "")).split())
    if not name:
        wrong("name", _("请填写名称。"))
    elif len(name) > LONGEST_NAME:
        wrong("name", _("名称不能超过%(n)s个字。", n=LONGEST_NAME))
    elif (
        not name.isprintable() or not any(c.isalpha() for c in name) or re.search("[<>&\"']", name)
    ):
        wrong("name", _("名称只能写文字，例如：甸沙乡。"))
    code = _code(given.get("code", ""), level)
    if code is None:
        wrong("code", _("代码须为12位数字，例如：530129210000。"))
    national = nfc(given.get("national_code", ""))
    national_code = _code(national, level) if national else code
    if national and national_code is None:
        wrong("national_code", _("国家编码须为12位数字。"))
    sort_text = half_width(nfc(given.get("sort", "")))
    sort = _sort_of(code, level) if not sort_text else None
    if sort_text.isascii() and sort_text.isdecimal() and len(sort_text) <= len(str(HIGHEST_SORT)):
        sort = int(sort_text)
    elif sort_text:
        wrong("sort", _("排序须为0至%(n)s的整数。", n=HIGHEST_SORT))
    department = nfc(given.get("department", "")) or DEPARTMENT
    if len(department) > LONGEST_DEPARTMENT:
        wrong("department", _("管理部门类别不能超过%(n)s个字。", n=LONGEST_DEPARTMENT))
    if problems:
        raise Invalid(_("请改正标出的内容。"), problems)
    return {
        "name": name, "code": code, "national_code": national_code, "sort": sort,
        "department": department,
    }  # fmt: skip


def _code(written: str, level: Level) -> str | None:
    """Twelve digits; the short form of a level (610122) is filled up."""
    code = half_width(nfc(written)).replace(" ", "")
    if not (code.isascii() and code.isdecimal()) or len(code) not in (
        CODE_LENGTH, DIGITS_OF.get(level, CODE_LENGTH),
    ):  # fmt: skip
        return None
    return code.ljust(CODE_LENGTH, "0")


def _sort_of(code: str | None, level: Level) -> int:
    """The number in the level's own digits of the code, as the seed sorts."""
    if code is None:
        return 0
    end = DIGITS_OF[level]
    return int(code[end - (3 if level >= Level.TOWN else 2) : end])
