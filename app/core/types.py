"""Column types. Small and our own: FAB crashes on Enum and Uuid columns."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
import uuid
from typing import Any

from sqlalchemy import CHAR, DateTime, String, Text
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeDecorator, TypeEngine

from app.core.choices import Choices


class UuidType(TypeDecorator[uuid.UUID]):
    """uuid.UUID, native on PostgreSQL, 32 hex characters elsewhere (sorts the same)."""

    impl = CHAR(32)
    cache_ok = True

    def load_dialect_impl(self, dialect: Any) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(postgresql.UUID(as_uuid=True))
        return dialect.type_descriptor(CHAR(32))

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        if value is None:
            return None
        key = value if isinstance(value, uuid.UUID) else uuid.UUID(str(value))
        return key if dialect.name == "postgresql" else key.hex

    def process_result_value(self, value: Any, dialect: Any) -> uuid.UUID | None:
        if value is None or isinstance(value, uuid.UUID):
            return value
        return uuid.UUID(value)


class CodeType(TypeDecorator[Any]):
    """A member of a :class:`Choices` enum, stored as its value."""

    impl = String(32)
    cache_ok = True

    def __init__(self, choices: type[Choices]) -> None:
        super().__init__()
        self.choices = choices

    def process_bind_param(self, value: Any, dialect: Any) -> str | None:
        return None if value is None or value == "" else str(self.choices(value).value)

    def process_result_value(self, value: Any, dialect: Any) -> Choices | None:
        return None if value is None else self.choices(value)


class CodeSetType(TypeDecorator[Any]):
    """Several codes of one list, stored as ``,a,b,`` so that LIKE finds one on any database."""

    impl = String(400)
    cache_ok = True

    def __init__(self, length: int | None = 400) -> None:
        """``length`` None: as many as there are."""
        super().__init__()
        self.length = length

    def load_dialect_impl(self, dialect: Any) -> TypeEngine[Any]:
        # Not the dialect's descriptor of it: psycopg's of Text is VARCHAR.
        return Text() if self.length is None else String(self.length)

    def process_bind_param(self, value: Any, dialect: Any) -> str | None:
        return "," + ",".join(str(v) for v in value) + "," if value else None

    def process_result_value(self, value: Any, dialect: Any) -> tuple[str, ...]:
        return tuple(value.strip(",").split(",")) if value else ()


class PathType(TypeDecorator[str]):
    """A region path: compared byte by byte, whatever the database's collation."""

    impl = String(40)
    cache_ok = True

    def load_dialect_impl(self, dialect: Any) -> TypeEngine[Any]:
        collation = "C" if dialect.name == "postgresql" else None
        return dialect.type_descriptor(String(40, collation=collation))


class UtcDateTime(TypeDecorator[dt.datetime]):
    """An aware instant; naive values are refused, SQLite keeps UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> dt.datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant needs a time zone")
        utc: dt.datetime = value.astimezone(dt.UTC)
        return utc if dialect.name == "postgresql" else utc.replace(tzinfo=None)

    def process_result_value(self, value: Any, dialect: Any) -> dt.datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            return value.replace(tzinfo=dt.UTC)
        return value.astimezone(dt.UTC)


class NfcText(TypeDecorator[str]):
    """Text in Unicode NFC without blanks at its ends; compared byte by byte on PostgreSQL."""

    impl = String
    cache_ok = True

    def __init__(self, length: int) -> None:
        super().__init__(length)
        self.length = length

    def load_dialect_impl(self, dialect: Any) -> TypeEngine[Any]:
        collation = "C" if dialect.name == "postgresql" else None
        return dialect.type_descriptor(String(self.length, collation=collation))

    def process_bind_param(self, value: Any, dialect: Any) -> str | None:
        return None if value is None else nfc(value)


#: NUL, which PostgreSQL refuses, and half surrogates, which JSON may bring and UTF-8 cannot say.
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def storable(text: str) -> str:
    """The text without characters that no database keeps and no page can show."""
    return _UNSTORABLE.sub("", text)


def nfc(text: str) -> str:
    """Unicode NFC, storable, blanks at the ends (ideographic too) removed."""
    plain = str(text)
    if not plain.isprintable():
        plain = storable(plain)
    return unicodedata.normalize("NFC", plain).strip()
