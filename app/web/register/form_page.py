"""A record as its form shows it: what stands in its inputs, what is wrong with that, what is known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import request

from app.access import policy
from app.access.actor import Actor, Capability
from app.access.divisions.regions import Level, Region
from app.core.clock import today
from app.core.db import db
from app.core.i18n import _
from app.core.lazy import lazy
from app.kernel import hooks
from app.kernel.declare import stages
from app.kernel.declare.flow import SENT_BACK, State, Transition, is_step_of
from app.kernel.declare.register import Register
from app.kernel.declare.rules import Evaluation, Problem
from app.kernel.kinds.values import is_missing, to_json
from app.kernel.records import renewals
from app.kernel.records import save as records
from app.kernel.records.history import Contact
from app.kernel.records.photo_facts import PhotoFacts
from app.kernel.rows.household import Household
from app.kernel.rows.record import Draft
from app.web.frame import neighbours, shell
from app.web.register import form_parts, parsing, show
from app.web.register.drafts import restored
from app.web.register.page import RecordPage
from app.web.register.parsing import Place, Posted, Shown
from app.web.register.shared import menu_url


@dataclass(frozen=True)
class Filled:
    """What stands in a form, and what came of sending it."""

    posted: Posted
    contact: Contact
    problems: Sequence[Problem] = ()
    draft: Draft | None = None
    conflict: dict[str, Any] | None = None  # what somebody else saved meanwhile
    removed: Sequence[str] = ()  # files, by their ids
    carried: Mapping[str, str] = field(default_factory=dict)  # prefilled, and from where
    place: Place | None = None


class FormPage(RecordPage):
    """A record that is filled in."""

    def __init__(self, register: Register, row: Any, actor: Actor, filled: Filled) -> None:
        super().__init__(register, row, actor)
        self.filled = filled

    @lazy
    def whole(self) -> bool:
        """Whoever fills it in sees all of it."""
        return True

    @lazy
    def evaluation(self) -> Evaluation:
        """The rules over what was typed."""
        return records.evaluate(self.register, self.row, self.filled.posted.values, self.files)

    @lazy
    def notices(self) -> list[dict[str, str]]:
        """What is told above the form."""
        return [
            *show.warnings(self.register, self.row),
            *(self.standing if self.row.state in SENT_BACK else []),
            *show.known_notices(self.known),
            *(self.doubts if not self.filled.problems else []),
        ]

    @lazy
    def sections(self) -> list[dict[str, Any]]:
        """Its inputs."""
        filled = self.filled
        shown = Shown(
            typed=filled.posted.typed,
            evaluation=self.evaluation,
            locked=self._read_only(),
            attachments=[a for a in self.files if str(a.id) not in filled.removed],
            problems=filled.problems,
            carried=filled.carried,
            upload_url=f"{self.url}/files/{{field}}",
            priors=self._priors(),
            turn_url=f"{self.url}/turn",
            earlier=Counter(file.field for file in renewals.papers(self.register, self.row)),
            fillers=self._fillers(),
            photo_facts=PhotoFacts(db.session(), self.row, filled.posted.values),
            place=filled.place,
        )
        return parsing.sections(self.register, shown)

    def context(self) -> dict[str, Any]:
        """The context of ``register/form.html``."""
        filled, register, draft = self.filled, self.register, self.filled.draft
        return self.head() | {
            "notices": self.notices,
            "sections": self.sections,
            "errors": parsing.summary(register, filled.problems),
            "rules": parsing.rules_json(register, self.row),
            "fixed": self._fixed(),
            "today": today().isoformat(),
            "judged": form_parts.judged(
                register, filled.problems, saved=self.row.state != State.MISSING
            ),
            "version": self.row.version,
            "action_url": f"{self.url}/edit{neighbours.kept()}",
            "draft_url": f"{self.url}/draft",
            "draft": draft and restored(draft, f"{self.url}/discard"),
            "removed": list(filled.removed),
            "touched": self._touched(),
            "actions": self._actions(),
            "links": links(register),
            "contact": self._contact(),
            "conflict": filled.conflict,
            "panels": hooks.form_panels(register, self.row),
            "assign": self._assignment(),
        }

    def _read_only(self) -> dict[str, dict[str, Any]]:
        """The sections of approved stages as they are read, by name."""
        if not self.locked:
            return {}
        read = show.sections(self.register, self.row, self.evaluation, self.files, whole=True)
        names = {
            f"s{number + 1}"
            for number, section in enumerate(self.register.sections)
            if self.locked.issuperset(section.fields)
        }
        return {one["name"]: one | {"read": True} for one in read if one["name"] in names}

    def _fixed(self) -> dict[str, Any]:
        """What stands in no input, and rules ask for."""
        names = [n for n in self.locked if self.register.fields[n].stored]
        said = {name: to_json(getattr(self.row, name)) for name in sorted(names)}
        return said | records.facts_json(self.register, self.row, self.evaluation)

    def _touched(self) -> Any:
        """What this person typed, as its script takes it on."""
        if request.method == "POST":
            return form_parts.touched(self.register, request.form)
        return sorted(self.filled.draft.values) if self.filled.draft else []

    def _contact(self) -> dict[str, Any] | None:
        """Who submits it."""
        if self._submission() is None:
            return None
        said = self.filled.contact
        wrong = {p.field: [p.message] for p in self.filled.problems}
        errors = {name: told for name, told in wrong.items() if name.startswith("contact_")}
        return {"name": said.person, "phone": said.phone, "errors": errors}

    def _submission(self) -> Transition | None:
        """The step that submits it; None where nobody reviews it."""
        step = self.register.flow.get("submit") if self.register.flow else None
        return step if step and is_step_of(self.register, self.row, step) else None

    def _actions(self) -> list[dict[str, Any]]:
        register = self.register
        made = register.creates is None
        actions: list[dict[str, Any]] = [
            {"name": "save", "label": _("保存"), "shortcut": "Ctrl+S"},
            {"name": "next", "label": _("保存并填下一户") if made else _("录入下一个")},
        ]
        step = self._submission()
        if step is None:
            actions[0]["primary"] = True
        if step and policy.may(step.capability, register.name, self.row, actor=self.actor):
            stage = stages.at_hand(register, self.row)
            label = _("保存并上报%(stage)s", stage=stage.label) if stage else _("保存并上报")
            actions.append(
                {
                    "name": "submit",
                    "label": label,
                    "primary": True,
                    "complete": True,
                    "shortcut": "Ctrl+Enter",
                }
            )
        return actions

    def _priors(self) -> dict[str, list[dict[str, Any]]]:
        """What was known before, beside its field: earlier results, and what the household's list
        says otherwise.
        """
        if self.household is None:
            return {}
        found = show.priors(self.row, self.known)
        for name, made in self.register.fields.items():
            if name not in Household.__fields__ or self.row.state == State.MISSING:
                continue
            value = getattr(self.household, name)
            if not is_missing(value) and value != getattr(self.row, name):
                listed = {"value": to_json(value), "text": made.text(value), "source": _("名单")}
                found.setdefault(name, []).append(listed)
        return found

    def _fillers(self) -> dict[str, list[dict[str, Any]]]:
        """与户主一致: a row of children filled in with the head."""
        household = self.household
        if household is None:
            return {}
        head = {
            "name": household.head_name,
            "id_number": household.head_id or household.matching_id,
            "phone": household.phone,
        }
        return {
            name: [{"label": _("与户主一致"), "values": head}]
            for name, made in self.register.fields.items()
            if made.rows
            and not made.required
            and {"name", "id_number"} <= {f.name for f in made.rows}
        }

    def _assignment(self) -> dict[str, Any] | None:
        """The village that is to be chosen first, where none is known."""
        if self.household is None:
            return None
        region = db.session.get(Region, self.household.region_id)
        if region is None or region.level == Level.VILLAGE:
            return None
        return {"action_url": f"{self.url}/assign", "region_name": region.full_name}


def links(register: Register) -> list[dict[str, Any]]:
    """Where a form that is not sent leads back to."""
    return [{"label": _("返回列表"), "url": shell.list_url(menu_url(register, Capability.ENTER))}]
