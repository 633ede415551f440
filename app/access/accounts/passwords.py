"""Rules for passwords (spec 01)."""

from __future__ import annotations

import re

from app.core.i18n import _

LENGTH, LONGEST = 8, 128
_LETTER, _DIGIT = re.compile("[A-Za-z]"), re.compile("[0-9]")


def problem(password: str, login: str) -> str | None:
    """What is wrong with a new password: at least 8 characters, letters and digits."""
    if len(password) < LENGTH or not _LETTER.search(password) or not _DIGIT.search(password):
        return _("密码至少8位，须同时有字母和数字。")
    if len(password) > LONGEST:
        return _("密码最多%(n)s位。", n=LONGEST)
    if login and login.lower() in password.lower():
        return _("密码不能包含账号。")
    return None
