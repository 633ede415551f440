"""Groups of what a register may say: each stands in a declaration only where it is used."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from app.core.i18n import translate
from app.kernel.declare.expressions import NEVER, Expr
from app.kernel.declare.flow import Flow
from app.kernel.declare.stages import Stage


@dataclass(frozen=True)
class Review:
    """Records are submitted and decided on. The model is ``Reviewed``."""

    flow: Flow
    stages: tuple[Stage, ...] = ()  # submitted and reviewed one after the other, each locked then
    #: ``hook(session, row)``: what an approval sets off.
    on_approval: tuple[Callable[[Any, Any], None], ...] = ()
    builds: Expr = NEVER  # where that makes something: such an approval is not taken back


class Asks(NamedTuple):
    """A yes/no field that asks for something, and the field that says what."""

    asked: str
    field: str


@dataclass(frozen=True)
class Frozen:
    """Rows that nobody changes, submits or decides on."""

    where: Expr
    why: str  # what people are told then


@dataclass(frozen=True)
class Renewal:
    """An approved record is never changed: a new one follows it. The model is ``Renewed``."""

    word: str  # what one calls entering the new record, on its button too
    without: str = ""  # fields that it does not take over from the one before

    @property
    def label(self) -> str:
        """The word in the user's language."""
        return translate(self.word)
