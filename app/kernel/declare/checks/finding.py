"""What checks of a declaration find."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.kernel.declare.field import Field
from app.kernel.kinds import Kind


@dataclass(frozen=True)
class Finding:
    """One problem of a declaration."""

    id: str
    register: str
    message: str


def of_kind(known: Mapping[str, Field], name: str, kind: Kind) -> bool:
    """Is there a field of that name and kind?"""
    made = known.get(name)
    return made is not None and made.kind == kind
