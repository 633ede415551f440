"""Lists of choices that code refers to: a value that is stored, an official Chinese text."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from app.core.i18n import translate


class Choices(StrEnum):
    """Base of code enums: ``OWN = "own", "自有农村住房"``. Members equal their stored value."""

    zh: str

    def __new__(cls, value: str, zh: str = "") -> Any:  # one argument looks a member up
        member = str.__new__(cls, value)
        member._value_ = value
        member.zh = zh
        return member

    @property
    def label(self) -> str:
        """The text in the user's language."""
        return translate(self.zh)

    def __str__(self) -> str:
        return str(self.value)
