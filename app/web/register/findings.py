"""What a reviewer should look at: rules that speak up, gaps, doubts of the list, nothing changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.core.i18n import _, translate
from app.kernel.declare.flow import SENT_BACK
from app.kernel.declare.quality import Severity
from app.kernel.declare.register import Register
from app.kernel.declare.rules import Evaluation, Problem
from app.kernel.records import save as records
from app.kernel.rows.household import Household
from app.kernel.rows.record import HistoryEntry


def of(
    register: Register,
    row: Any,
    household: Household,
    evaluation: Evaluation,
    entries: Sequence[HistoryEntry],
    changes: Sequence[Any],
    sections: Sequence[dict[str, Any]] = (),
) -> list[dict[str, str]]:
    """``{tone: bad|warn, text, field}`` for each finding, grave ones first; ``field`` may be empty.
    ``changes`` are those between the last two submissions, ``sections`` what the page shows.
    """
    found = [
        {
            "tone": tone(problem),
            "text": _labelled(register, problem),
            "field": problem.field.partition("-")[0],
        }
        for problem in [*evaluation.problems, *records.findings(register, row, evaluation)]
    ]
    if _came_back(entries) and not changes:
        text = _("退回后重新上报，但内容没有任何改动。")
        found.append({"tone": "bad", "text": text, "field": ""})
    for shown in (one for section in sections for one in section["fields"]):
        warned = [text for tile in shown.get("files") or () for text in tile["warnings"]]
        warned += [
            _("以往%(source)s为“%(text)s”，与本次不同", source=prior["source"], text=prior["text"])
            for prior in shown.get("priors", ())
            if not prior["same"] and shown["text"]
        ]
        found += [
            {
                "tone": "warn",
                "text": _("%(label)s：", label=shown["label"]) + text,
                "field": shown["name"],
            }
            for text in dict.fromkeys(warned)
        ]
    if household.findings:
        text = _(
            "名单存疑：%(what)s", what=Household.__fields__["findings"].text(household.findings)
        )
        found.append({"tone": "warn", "text": text, "field": ""})
    return sorted(found, key=lambda one: one["tone"] != "bad")


def tone(problem: Problem) -> str:
    """How a finding looks."""
    return "warn" if problem.severity == Severity.QUESTIONABLE else "bad"


def notices(register: Register, row: Any, evaluation: Evaluation) -> list[dict[str, str]]:
    """``{tone, text}`` for what the register's checks say of a record that was saved; what a field's own
    rules say stands beside the field.
    """
    return [
        {
            "tone": tone(problem),
            "text": _labelled(register, problem),
        }
        for problem in records.findings(register, row, evaluation)
    ]


def _labelled(register: Register, problem: Problem) -> str:
    """The message, after the field's name where it does not say it."""
    made = register.fields.get(problem.field.partition("-")[0])
    label = translate(made.label) if made else ""
    if not label or label in problem.message:
        return problem.message
    return _("%(label)s：", label=label) + problem.message


def _came_back(entries: Sequence[HistoryEntry]) -> bool:
    """Was the record sent back between its last two submissions?"""
    submitted = [n for n, entry in enumerate(entries) if entry.snapshot is not None]
    if len(submitted) < 2:
        return False
    return any(e.target in SENT_BACK for e in entries[submitted[-2] : submitted[-1]])
