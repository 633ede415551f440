"""Who works on which record, as in the tests of the kernel; what the database holds, whoever asks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask
from sqlalchemy import select

from app.access.scope import unscoped
from tests.hands import Hands
from tests.kernel.conftest import clerk, reviewer, survey

__all__ = ["AsAccount", "clerk", "looked_up", "reviewer", "survey"]

AsAccount = Callable[..., Hands]


def looked_up(app: Flask, model: Any, *where: Any) -> Any:
    """Such rows, of whatever area."""
    with app.app_context(), unscoped("tests look") as session:
        return session.scalars(select(model).where(*where)).all()
