"""Monitoring records that follow one another, as tests make and count them."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from app.access.actor import Actor
from app.access.divisions.regions import Level
from app.access.scope import acting_as, unscoped
from app.core.db import db, read_only
from app.kernel.declare.figures import of_year
from app.kernel.figures import counters
from app.kernel.records import renewals, steps
from app.kernel.records import save as records
from app.modules.surveys.monitoring.model import Monitoring
from app.modules.surveys.monitoring.register import MONITORING
from tests.builders import CONTACT, COUNTY, COUNTY_REVIEWER, VILLAGE_CLERK, actor, region
from tests.clicks import click
from tests.modules.samples import monitored


def act(who: Actor, action: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """One request of ``who``: its session ends with it."""
    with acting_as(who):
        try:
            return click(action, *args, **options)
        finally:
            db.session.remove()


class Case:
    """A household with its first record, a clerk and a reviewer."""

    def __init__(self) -> None:
        home, row = monitored(name="王一")
        self.home_id, self.key = home.id, row.id
        self.clerk, self.reviewer = actor(VILLAGE_CLERK), actor(COUNTY_REVIEWER)

    def save(self, form: dict[str, Any], key: uuid.UUID | None = None) -> Monitoring:
        key = key or self.key
        return act(self.clerk, records.save, MONITORING, key, form, self.row(key).version)

    def step(self, name: str, key: uuid.UUID | None = None, opinion: str = "") -> Monitoring:
        who = self.clerk if name in ("submit", "withdraw") else self.reviewer
        key = key or self.key
        return act(who, steps.transition, MONITORING, key, name, None, CONTACT, opinion)

    def approve(self, form: dict[str, Any], key: uuid.UUID | None = None) -> None:
        self.save(form, key)
        self.step("submit", key)
        self.step("approve", key)

    def renew(self, key: uuid.UUID | None = None) -> uuid.UUID:
        return act(self.clerk, renewals.renew, MONITORING, key or self.key).id

    def clear(self, key: uuid.UUID) -> None:
        act(self.clerk, records.clear, MONITORING, key, self.row(key).version)

    def row(self, key: uuid.UUID | None = None) -> Monitoring:
        with unscoped("tests look") as everything:
            return everything.get_one(Monitoring, key or self.key)


def count(figure: str, year: int | None = None) -> int:
    return require_no_drift().get((of_year(figure, year), region(COUNTY, Level.COUNTY).id), 0)


def require_no_drift() -> dict[tuple[str, int], int]:
    """Counters = live count, identities hold."""
    with read_only(), unscoped("counters are proved over all rows") as session:
        kept = counters.kept_counts(session, MONITORING)
        assert kept == counters.live_counts(session, MONITORING)
        assert counters.broken_identities(session, MONITORING) == []
        return kept
