"""The import of a list of households as tests need it."""

from __future__ import annotations

import io
import threading
from typing import Any

import openpyxl
from flask import Flask
from sqlalchemy import select

from app.access.account import Account
from app.access.actor import Actor
from app.access.scope import acting_as, unscoped
from app.core.db import db
from app.core.files.storage import storage
from app.core.jobs import worker
from app.core.jobs.table import Job
from app.kernel.exchange.imports import notes as import_notes
from app.kernel.exchange.imports.pipeline import OUTCOMES
from app.kernel.households.exchange import importing as household_import
from app.kernel.rows.household import Household
from tests import builders
from tests.clicks import begin_import
from tests.kernel.exchange.lists import Row, book


class Desk:
    """A county manager who imports lists."""

    def __init__(self, app: Flask, account: Account) -> None:
        self.app, self.account = app, account

    @property
    def actor(self) -> Actor:
        return builders.actor_of(self.account)

    def send(self, file: io.BytesIO, *, dry_run: bool = False, whole: bool = False) -> Job:
        with acting_as(self.actor):
            return begin_import(
                household_import.start, file, "名单.xlsx", dry_run=dry_run, whole=whole
            )

    def take(self, file: io.BytesIO, **options: bool) -> tuple[dict[str, Any], Job]:
        sent = self.send(file, **options)
        claimed = worker.claim(sent.id)
        assert claimed is not None
        worker.run(self.app, claimed, threading.Event())
        job = db.session.get(Job, sent.id, populate_existing=True)
        assert job is not None
        db.session.commit()
        return job.result or {}, job

    def counts(self, rows: list[Row], **options: bool) -> dict[str, int]:
        result, _ = self.take(book(rows), **options)
        return {name: result[name] for name in OUTCOMES if result[name]}


def households() -> list[Household]:
    with unscoped("tests look at everything") as session:
        return list(session.scalars(select(Household).order_by(Household.issued_name)))


def notes(job: Job) -> list[str]:
    found = [
        f"{column}: {message}" for n in import_notes.notes_of(job.id) for column, message in n.notes
    ]
    db.session.rollback()
    return found


def marked(job: Job) -> Any:
    (file,) = job.files_of("result")
    with storage().open(file["key"]) as stored:
        return openpyxl.load_workbook(io.BytesIO(stored.read()))
