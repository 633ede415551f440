"""Records as JSON, in lists and alone; see :mod:`app.web.api.openapi` for their description."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Iterable, Sequence
from typing import Any

from flask import Response
from sqlalchemy import select

from app.access.actor import Actor
from app.access.divisions.regions import Region
from app.access.scope import showing_hidden
from app.core.clock import local
from app.core.db import db
from app.core.i18n import done_word, step_word, translate
from app.core.types import storable
from app.kernel.declare.field import Field
from app.kernel.declare.register import Register
from app.kernel.kinds import formats
from app.kernel.records import history_words, renewals, steps
from app.kernel.records import save as records
from app.kernel.rows.file import Attachment
from app.kernel.rows.record import HistoryEntry, Lasting
from app.web.api import values
from app.web.frame import view_log
from app.web.frame.problems import PREFIX
from app.web.register import show as record_pages

#: Of every record, beside its fields; those that a model has not are left out.
FACTS = (
    "id",
    "version",
    "household_id",
    "predecessor_id",
    "created_at",
    "changed_at",
    "submitted_at",
    "decided_at",
)


def answer(body: Any, status: int = 200, **headers: str) -> Response:
    """JSON; Chinese stays readable."""
    text = storable(json.dumps(body, ensure_ascii=False))
    response = Response(text, status, mimetype="application/json")
    response.headers.update(headers)
    return response


def facts(model: Any) -> list[str]:
    return [name for name in FACTS if hasattr(model, name)]


def kept_fields(register: Register) -> dict[str, Field]:
    """The fields that the kernel keeps; they stand beside ``values``."""
    made = register.model.__fields__
    without = {*register.fields, *Lasting.__fields__}
    return {name: f for name, f in made.items() if name not in without and f.stored}


def form_fields(register: Register) -> dict[str, Field]:
    """The fields of ``values``."""
    return {name: made for name, made in register.fields.items() if made.stored}


def instant(moment: dt.datetime | None) -> str | None:
    """An instant on China's clock, with its offset."""
    return local(moment).isoformat() if moment else None


def place(region_id: int, code: str, full_name: str, level: Any) -> dict[str, Any]:
    return {"id": region_id, "code": code, "full_name": full_name, "level": level.name.lower()}


# ---- lists ---------------------------------------------------------------------------------


def listed(
    register: Register, ids: Sequence[uuid.UUID], names: Iterable[str]
) -> list[dict[str, Any]]:
    """The records with these keys, in their order, masked, with these fields. One statement."""
    model, kept, fields = register.model, kept_fields(register), form_fields(register)
    chosen = [name for name in fields if name in set(names)]
    columns = {name: getattr(model, name) for name in (*facts(model), *kept, *chosen)}
    query = (
        select(*columns.values(), Region.id, Region.code, Region.full_name, Region.level)
        .join(Region, Region.id == model.region_id)
        .where(model.id.in_(ids))
    )
    found = {}
    says = {n: values.JSON[fields[n].kind].shown for n in chosen}
    for row in db.session.execute(query):
        known = dict(zip(columns, row, strict=False))
        found[known["id"]] = _common(register, known, place(*row[-4:])) | {
            "values": {n: says[n](fields[n], known[n], whole=False) for n in chosen}
        }
    return [found[key] for key in ids if key in found]


def changed(
    register: Register, ids: Sequence[uuid.UUID], names: Iterable[str]
) -> list[dict[str, Any]]:
    """As :func:`listed`; of what was deleted and is kept only that it was. One statement, another where
    some were.
    """
    found = {item["id"]: item for item in listed(register, ids, names)}
    gone = [key for key in ids if str(key) not in found]
    if gone and register.keeps:
        model = register.model
        query = select(model.id, model.version, model.changed_at).where(model.id.in_(gone))
        with showing_hidden():
            rows = db.session.execute(query).all()
        found |= {
            str(key): {
                "id": str(key),
                "version": version,
                "changed_at": instant(at),
                "deleted": True,
            }
            for key, version, at in rows
        }
    return [found[str(key)] for key in ids if str(key) in found]


def _common(
    register: Register, known: dict[str, Any], region: dict[str, Any], *, whole: bool = False
) -> dict[str, Any]:
    body: dict[str, Any] = {}
    for name in facts(register.model):
        value = known[name]
        if isinstance(value, dt.datetime):
            value = instant(value)
        body[name] = str(value) if isinstance(value, uuid.UUID) else value
    body["region"] = region
    for name, made in kept_fields(register).items():
        body[name] = values.shown(made, known[name], whole=whole)
    return body


# ---- one record ------------------------------------------------------------------------------


def sees_all(register: Register, row: Any, actor: Actor) -> bool:
    """May the actor see the record whole? Then the look is noted, as that of its page."""
    if not register.entered or not record_pages.sees_all(register, row, actor):
        return False
    view_log.note(register.name, row)
    return True


def record(register: Register, row: Any, actor: Actor) -> dict[str, Any]:
    """All of one record, as this actor may see it, and what it may do with it."""
    whole = sees_all(register, row, actor)
    region = db.session.get_one(Region, row.region_id)
    names = (*facts(register.model), *kept_fields(register))
    known = {name: getattr(row, name) for name in names}
    where = place(region.id, region.code, region.full_name, region.level)
    body = _common(register, known, where, whole=whole)
    said = {n: getattr(row, n) for n in form_fields(register)} | renewals.taken_over(register, row)
    body["values"] = {
        n: values.shown(made, said[n], whole=whole) for n, made in form_fields(register).items()
    }
    body["masked"] = [] if whole else [
        n for n, made in register.model.__fields__.items() if made.stored and values.masks(made)
    ]  # fmt: skip
    if register.entered:
        body["may_edit"] = records.may_edit(register, row, actor)
        body["steps"] = [step.name for step in steps.open_steps(register, row, actor)]
        body["files"] = [file(a) for a in records.attachments_of(row)]
    return body


def file(attachment: Attachment) -> dict[str, Any]:
    """What is known of a file; its bytes are at ``url``."""
    return {
        "id": str(attachment.id),
        "field": attachment.field,
        "name": attachment.name,
        "media_type": attachment.mime,
        "size": attachment.size,
        "sha256": attachment.sha256,
        "added_at": instant(attachment.added_at),
        "taken_at": attachment.taken_at and attachment.taken_at.isoformat(),
        "latitude": attachment.latitude,
        "longitude": attachment.longitude,
        "url": f"/files/{attachment.id}",
    }


def history(
    register: Register, entries: Sequence[HistoryEntry], *, whole: bool
) -> list[dict[str, Any]]:
    """The record's steps, oldest first, each submission with what changed since the one before, of
    the same stage.
    """
    found = []
    before: dict[str | None, HistoryEntry] = {}
    for entry in entries:
        changes: list[dict[str, str]] = []
        if entry.snapshot is not None:
            if entry.stage in before:
                earlier = before[entry.stage]
                changes = history_words.changes(register, earlier, entry, whole=whole)
            before[entry.stage] = entry
        phone = entry.phone if whole else formats.mask_phone(entry.phone or None)
        found.append(
            {
                "at": instant(entry.at),
                "step": entry.step,
                "label": done_word(entry.label),
                "stage": entry.stage,
                "from": entry.source.value,
                "to": entry.target.value,
                "account": entry.account_name,
                "person": entry.person,
                "phone": phone,
                "opinion": entry.opinion or "",
                "reasons": [translate(r) for r in entry.reasons or ()],
                "changes": changes,
            }
        )
    return found


def differences(register: Register, row: Any, sent: dict[str, Any], actor: Actor) -> dict[str, Any]:
    """The record as it stands beside what a client meant to write."""
    whole = sees_all(register, row, actor)
    fields = [(register.fields[n], value) for n, value in sent.items() if n in register.fields]
    return {
        "version": row.version,
        "state": row.state.value,
        "changed_at": instant(row.changed_at),
        "changed": [
            {
                "field": made.name,
                "label": translate(made.label),
                "yours": values.shown(made, value, whole=whole),
                "current": values.shown(made, getattr(row, made.name), whole=whole),
            }
            for made, value in fields
            if values.shown(made, value, whole=True)
            != values.shown(made, getattr(row, made.name), whole=True)
        ],
    }


def step(register: Register, name: str) -> str:
    """What a step is called."""
    made = register.flow.get(name) if register.flow else None
    return step_word(made.label) if made else name


def url_of(register: Register, key: uuid.UUID) -> str:
    return f"{PREFIX}/{register.name}/{key}"
