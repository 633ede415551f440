"""Who checked an application in the town (spec 04 "Review")."""

from __future__ import annotations

from typing import Any

from app.access.divisions.regions import Level
from app.access.scope import current_actor
from app.core.clock import today
from app.kernel import hooks
from app.kernel.declare.flow import EDITABLE, State, Transition
from app.kernel.declare.register import Register
from app.kernel.records import history
from app.modules.renovation.application.model import Application


@hooks.stepped.listen(of=Application, order=30)
def keep_checker(_register: Register, row: Any, step: Transition) -> None:
    """Whoever checks is 乡镇复核人; of a town's own application whoever submits it, of a county's
    nobody. What comes back or waits for the check has none yet.
    """
    actor = current_actor()
    own = step.complete and actor is not None and actor.level == Level.TOWN
    if step.name == "check" or own:
        said = history.last(row)
        row.checker, row.checker_phone = (said.person, said.phone or None) if said else (None, None)
        row.checked_on = today()
    elif step.complete or row.state in (State.CHECKING, *EDITABLE):
        row.checker = row.checker_phone = row.checked_on = None
