"""Files that an import is given: kept in the store until their job has read them.

They are stored before the transaction that queues the job, for that may take long, and go again if
nothing comes of it (:func:`app.core.transactions.stored`)::

    file = inbox.keep(stream, name)
    with transaction():
        stored(file["key"])
        job = start(file, dry_run=…, whole=…)
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from app.access.actor import Actor
from app.core.errors import BadInput, NotFound
from app.core.files.storage import discard, storage
from app.core.i18n import _
from app.core.jobs.table import Job, JobContext, Owner, enqueue
from app.kernel.exchange.limits import require_size
from app.kernel.exchange.writer import MEDIA_TYPE

#: What a job's ``inputs`` say of a file.
Kept = dict[str, str]
_SUFFIXES = {".csv": "csv", ".txt": "csv", ".json": "json", ".geojson": "json"}
_NOT_CHOSEN = ("register", "dry_run")


def begin(kind: str, actor: Actor, file: Kept, args: dict[str, Any]) -> Job:
    """Queue the import of a file that was kept, for the actor."""
    owner = Owner(actor.account_id, actor.name, actor.path)
    return enqueue(kind, args, owner=owner, subject=file["name"], inputs=[file])


def again(kind: str, checked: Job) -> tuple[Kept, dict[str, Any]]:
    """What the import of a file that was only checked is begun with: the file, kept once more, and
    what was chosen then.

    :raises NotFound: the job is of another kind, or the file has expired.
    """
    (file,) = checked.files_of("input") or [{"key": "", "name": ""}]
    if checked.kind != kind or not file["key"]:
        raise NotFound(_("文件不存在或已过期。"))
    (key,) = storage().copies(file["key"], 1)
    chosen = {name: value for name, value in checked.args.items() if name not in _NOT_CHOSEN}
    return {**file, "key": key}, chosen | {"dry_run": False}


@contextmanager
def local_copy(job: JobContext) -> Iterator[Path]:
    """What the job was given, as a file of this machine while it is read."""
    with tempfile.NamedTemporaryFile() as file:
        with job.input() as stored:
            shutil.copyfileobj(stored, file)
        file.flush()
        yield Path(file.name)


def keep(stream: BinaryIO, name: str) -> Kept:
    """Store the file.

    :raises BadInput: it is empty or too large; nothing is kept.
    """
    key = storage().put(stream, _SUFFIXES.get(Path(name).suffix.lower(), "xlsx"))
    try:
        require_size(storage().size(key))
    except BadInput:
        discard(key)
        raise
    plain = "".join(c for c in Path(name).name if c.isprintable())[:120]  # it comes back in headers
    return {"key": key, "name": plain, "media_type": MEDIA_TYPE}
