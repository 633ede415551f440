"""The survey of a household that counts: the one that was approved last, of whichever register."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.kernel import hooks
from app.kernel.declare.flow import State
from app.kernel.declare.register import Register, all_registers
from app.kernel.rows.household import Household
from app.modules.surveys.fields import Survey


def surveys() -> list[Register]:
    """The registers of surveys."""
    return [r for r in all_registers() if issubclass(r.model, Survey)]


@dataclass(frozen=True)
class Last:
    """The survey of a household that was approved last, and of which register it is."""

    register: Register
    survey: Any


@hooks.tells
def surveyed(
    session: Session, homes: Sequence[Household], lasts: Mapping[uuid.UUID, Last], /
) -> None:
    """The surveys of these households that were approved last are others now, or none (a household
    without one is not among ``lasts``). Nobody else works on the households until the transaction
    ends.
    """


def last_approved(session: Session, household_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Last]:
    """By household; one statement for each register of surveys."""
    found: dict[uuid.UUID, Last] = {}
    for register in surveys():
        model = register.model
        query = select(model).where(
            model.household_id.in_(household_ids), model.state == State.APPROVED
        )
        for survey in session.scalars(query.order_by(model.decided_at, model.id)):
            known = found.get(survey.household_id)
            if known is None or approved_at(survey) >= approved_at(known.survey):
                found[survey.household_id] = Last(register, survey)
    return found


def approved_at(survey: Any) -> Any:
    """When an approved survey was decided on."""
    return survey.decided_at or survey.changed_at
