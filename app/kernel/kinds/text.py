"""Text: of one line, and of several."""

from __future__ import annotations

from typing import Any

from sqlalchemy.types import TypeEngine

from app.core.i18n import translate
from app.core.types import NfcText
from app.kernel.kinds import formats
from app.kernel.kinds.kind import Described, OneText, Widget


class Text(OneText):
    """One line."""

    __slots__ = ()
    name = "text"

    def column_type(self, made: Described) -> TypeEngine[Any]:
        return NfcText(made.length)

    def mend(self, text: str) -> str:
        """The official spelling of one that can mean only one thing."""
        return formats.mend_text(text)

    def read(self, made: Described, text: str) -> str | None:
        mended = self.mend(text)
        if len(mended) > made.length:
            raise ValueError(
                translate("最多 %(n)s 个字，现有 %(m)s 个。", n=made.length, m=len(mended))
            )
        return mended or None


class LongText(Text):
    """Several lines."""

    __slots__ = ()
    name = "textarea"
    widget = Widget("textarea", wide=True)
    wide = True

    def mend(self, text: str) -> str:
        return text


TEXT, TEXTAREA = Text(), LongText()
