"""What a survey says of who the household is (spec 00 "Identity"; spec 02 "Form")."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy.orm import Session

from app.core.i18n import _
from app.kernel.declare.rules import Problem
from app.kernel.households import lists as households
from app.kernel.records import history
from app.kernel.rows.household import Household, get_household


def identity_follows(session: Session, survey: Any) -> None:
    """An approved correction and change of head become the household's (spec 00 "Identity"). What
    an earlier approval made of it, and the survey no longer says, is undone.
    """
    household = next(iter(households.locked(session, [survey.household_id])), None)
    if household is None or survey.died:  # who died out is still known as before
        return
    before = history.approved_before(survey) if _is_another(household) else {}
    if survey.corrected_id:
        households.correct_id(session, household, survey.corrected_id)
    elif household.corrected_id and household.corrected_id == before.get("corrected_id"):
        households.drop_correction(session, household)
    if not survey.head_changed:
        if before.get("new_head_name") and household.head_name == before["new_head_name"]:
            theirs = household.phone == before.get("new_head_phone")
            households.issued_head(session, household, survey.phone if theirs else household.phone)
    elif survey.new_head_name:
        households.new_head(
            session, household, survey.new_head_name, survey.new_head_id, survey.new_head_phone
        )


def _is_another(household: Household) -> bool:
    """Is it known by another number or head than the list says?"""
    known = household.head_name, household.head_id
    return bool(household.corrected_id) or known != (household.issued_name, household.issued_id)


def head_is_another(survey: Any, values: Mapping[str, Any]) -> Iterator[Problem]:
    """A new head is another person than the one of the list; in a later record of the household than
    the head whom an earlier one named.
    """
    number = values.get("new_head_id")
    if not number:
        return
    household = get_household(survey.household_id)
    if getattr(survey, "predecessor_id", None) and household.former_head:
        return
    if number in (household.issued_id, household.corrected_id, values.get("corrected_id")):
        yield Problem(
            "new_head_id",
            "new_head_id.same",
            _("与原户主的身份证号相同，户主没有变更的请选择“否”。"),
        )


def number_is_free(survey: Any, values: Mapping[str, Any]) -> Iterator[Problem]:
    """A corrected number must not be another household's already (spec 08)."""
    number = values.get("corrected_id")
    if number and (message := households.listed_already(survey.household_id, number)):
        yield Problem("corrected_id", "corrected_id.listed", message)
