"""What the API opens, and how far: for its pages, its description, and those who make tokens."""

from __future__ import annotations

from dataclasses import dataclass

from app.access import policy
from app.access.actor import RegisterAccess
from app.kernel.declare.register import Register, all_registers


@dataclass(frozen=True)
class Subject:
    """What a token may be made for, by its name in the policy; ``title`` is what the audit log says."""

    name: str
    label: str
    title: str
    access: tuple[RegisterAccess, ...]


def offered() -> list[Register]:
    """The registers that the API opens: those that have a list of their own."""
    return [register for register in all_registers() if register.menus]


def access_to(register: Register) -> tuple[RegisterAccess, ...]:
    """What a token may be given in a register: households themselves are only read."""
    return tuple(RegisterAccess) if register.entered else (RegisterAccess.READ,)


def subjects() -> list[Subject]:
    """The registers, then the views that FAB generates."""
    registers = [Subject(r.name, r.label, r.title, access_to(r)) for r in offered()]
    views = ((name, str(title)) for name, title in policy.VIEWS.items())
    return registers + [Subject(n, title, title, tuple(RegisterAccess)) for n, title in views]
