"""What pages say of a record's stages, and of the record that it goes on from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from app.core.db import db
from app.kernel import hooks
from app.kernel.declare import stages
from app.kernel.declare.flow import State, is_reviewed
from app.kernel.declare.register import Register
from app.kernel.records import history
from app.web.register import show as record_pages


def lines(register: Register, row: Any) -> dict[str, list[dict[str, str]]]:
    """The lines of steps on top of a record: ``line`` over the registers to which it belongs, where
    there is one, and ``steps`` of the record's own, unless the first one tells them.
    """
    whole = list(_over_registers(register, row))
    own = _steps(register, row) if register.stages or not whole else []
    return {"line": whole, "steps": own}


def _over_registers(register: Register, row: Any) -> Iterator[dict[str, str]]:
    if not (register.of_households and hasattr(row, "household_id")):
        return
    session = db.session()
    for line in hooks.household_lines(session, row.household_id, None, (register, row.id)):
        for step in line.steps(history.of_all(session, line.records)):
            yield {"label": step.label, "text": step.text, "state": step.state}


def _steps(register: Register, row: Any) -> list[dict[str, str]]:
    """The line of a record's own stages or states; the state stands at the one at hand."""
    if register.flow is None or not is_reviewed(register, row):
        return []
    if not register.stages:
        return record_pages.steps(register, row.state)
    current = stages.at_hand(register, row)
    found = []
    passed = True
    for stage in register.stages:
        passed = passed and stage is not current
        state = "done" if passed else ("now" if stage is current else "todo")
        open_now = stage is current and row.state != State.APPROVED
        text = register.state_text(row.state) if open_now else ""
        found.append({"label": stage.label, "text": text, "state": state})
    return found
