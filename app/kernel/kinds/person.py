"""The name of a person: written in one way, so that it is found whoever typed it."""

from __future__ import annotations

from app.kernel.kinds import formats
from app.kernel.kinds.kind import Widget
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

    def mask(self, value: str) -> str:
        return formats.mask_name(value)


PERSON = PersonName()
