"""The name of a person: written in one way, so that it is found whoever typed it."""

from __future__ import annotations

from typing import Any

from app.kernel.kinds import formats
from app.kernel.kinds.kind import Described, Widget
from app.kernel.kinds.text import Text


class PersonName(Text):
    """Blanks and middle dots between characters are mended, characters have their code point of
    today. What is odd about a name is for people to judge: it is never refused here.
    """

    __slots__ = ()
    name = "person"
    widget = Widget(scripts="text", words=False)

    def mend(self, text: str) -> str:
        return formats.mend_name(text)

    def beginning(self, typed: str) -> str:
        return formats.mend_name_start(typed)

    def holds_names(self, made: Described) -> bool:
        return True

    def renewed(self, made: Described, value: Any) -> Any:
        """Mended, where something is left that its column takes."""
        mended = self.mend(value) if value else value
        return mended if mended and len(mended) <= made.length else value

    def mask(self, value: str) -> str:
        return formats.mask_name(value)


PERSON = PersonName()
