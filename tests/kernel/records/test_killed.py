"""kill -9 in the middle of a save: what was acknowledged is there, whole; the rest never was."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from app.access.audit.log import AuditEntry
from app.access.scope import acting_as, unscoped
from app.core.db import db
from app.kernel.declare.flow import State
from app.kernel.figures import counters
from app.kernel.records import save as records
from app.modules.surveys.lookback.model import Lookback
from app.modules.surveys.lookback.register import LOOKBACK
from tests.builders import VILLAGE_CLERK, actor, died, household
from tests.clicks import click


def run_and_kill(app: Flask, moment: str, work: Callable[[], Any]) -> None:
    """Do the work in a process of its own, which is killed at that moment of its commit."""
    child = os.fork()
    if child == 0:
        with app.app_context():
            db.engine.dispose(close=False)  # the connections are the parent's
            event.listen(Session, moment, lambda _session: os.kill(os.getpid(), signal.SIGKILL))
            work()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status)


@pytest.mark.parametrize(("moment", "durable"), [("before_commit", False), ("after_commit", True)])
def test_killed_in_a_save(app: Flask, moment: str, durable: bool) -> None:
    with app.app_context():
        clerk, (_, survey) = actor(VILLAGE_CLERK), household()
        db.engine.dispose()

    def save() -> None:
        with acting_as(clerk):
            click(records.save, LOOKBACK, survey.id, died(), 1)

    run_and_kill(app, moment, save)
    with app.app_context(), unscoped("tests look") as everything:
        row = everything.get_one(Lookback, survey.id)
        assert (row.state, row.died, row.version) == (
            (State.DRAFT, True, 2) if durable else (State.MISSING, None, 1)
        )
        assert len(everything.scalars(select(AuditEntry)).all()) == durable
        kept = counters.kept_counts(everything, LOOKBACK)
        assert kept == counters.live_counts(everything, LOOKBACK)
    with app.app_context(), acting_as(clerk):  # the lock died with the process
        click(records.save, LOOKBACK, survey.id, died() | {"died": False}, 2 if durable else 1)
