"""What the API opens, and how far: for its pages, its description, and those who make tokens."""

from __future__ import annotations

from app.access.actor import RegisterAccess
from app.kernel.declare.register import Register, all_registers


def offered() -> list[Register]:
    """The registers that the API opens: those that have a list of their own."""
    return [register for register in all_registers() if register.menus]


def access_to(register: Register) -> tuple[RegisterAccess, ...]:
    """What a token may be given in a register: households themselves are only read."""
    return tuple(RegisterAccess) if register.entered else (RegisterAccess.READ,)
