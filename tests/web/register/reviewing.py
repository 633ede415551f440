"""What waits for review, and a decision as the page posts it."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from flask import Flask

from app.access.scope import unscoped
from app.core.clock import now
from app.kernel.declare.flow import State
from app.modules.surveys.lookback.model import Lookback
from tests import builders

Stored = Callable[[uuid.UUID], Lookback]


def submitted(app: Flask, count: int = 1, name: str = "张建国") -> list[Lookback]:
    """Complete surveys that wait for review, submitted by somebody else."""
    with app.app_context():
        rows = []
        for number in range(count):
            row = builders.household(name=f"{name}{number}")[1]
            builders.complete(row, builders.died())
            with unscoped("tests submit") as session:
                kept = session.get_one(Lookback, row.id)
                kept.state, kept.submitted_by, kept.submitted_at = (
                    State.SUBMITTED,
                    uuid.uuid4(),
                    now(),
                )
                session.commit()
            rows.append(row)
        return rows


def decision(row: Lookback, action: str, stored: Stored, **more: Any) -> dict[str, Any]:
    return {
        "action": action, "version": stored(row.id).version, "contact_name": "王审核",
        "contact_phone": "029-82721234",
    } | more  # fmt: skip
