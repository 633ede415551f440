"""What pages say of a record's stages, and of the record that it goes on from."""

from __future__ import annotations

from typing import Any

from app.access import policy
from app.access.actor import Actor, Capability
from app.actions import continuing, records
from app.core.i18n import _, translate
from app.registry import stages
from app.registry.flow import State
from app.registry.register import Register
from app.web import record_pages


def steps(register: Register, row: Any) -> list[dict[str, str]]:
    """The line of stages on top of a record; the state stands at the one at hand."""
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


def source(register: Register, row: Any, actor: Actor) -> dict[str, Any] | None:
    """The record that this one goes on from, read-only, for ``anju/_source.html``; None where there
    is none, or the actor may not read it.
    """
    found = continuing.source_of(register, row)
    if found is None or not policy.may(Capability.SEARCH, found[0].name, found[1], actor=actor):
        return None
    before, record = found
    files = records.attachments_of(record)
    evaluation = records.evaluate(before, record, files=files)
    whole = record_pages.sees_all(before, record, actor)
    sections = record_pages.sections(before, record, evaluation, files, whole=whole)
    for section in sections:
        section["name"] = f"source-{section['name']}"
        for shown in section["fields"]:
            shown["name"] = f"source-{shown['name']}"
    return {
        "title": _("%(what)s（只读）", what=translate(before.record_word)),
        "state": record_pages.state_of(before, record),
        "url": f"/{before.name}/{record.id}",
        "sections": sections,
    }
