"""What joins registers without their knowing each other: functions told of a change.

A register subscribes in its ``register.py``; the functions run in the transaction of the change.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.registry.register import Register

Listener = Callable[[Register, Any], None]
_on_save: list[Listener] = []


def on_save(listener: Listener) -> Listener:
    """Call ``listener(register, row)`` at every save of every register."""
    _on_save.append(listener)
    return listener


def saved(register: Register, row: Any) -> None:
    """Tell the listeners that ``row`` was saved by a click."""
    for listener in _on_save:
        listener(register, row)
