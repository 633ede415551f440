"""The job that makes accounts for all towns or villages, and the paper with their first passwords.

Hashing a password takes some 70 ms on purpose, so it is done before any lock, in threads. The paper
is kept before the accounts are: a run that was killed makes new passwords and a new paper, and none
exists without the other.
"""

from __future__ import annotations

import datetime as dt
import io
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from flask.globals import app_ctx

from app.access.account import first_password, hashed
from app.access.accounts.managing import Role
from app.access.actor import Kind
from app.access.divisions import regions
from app.access.divisions.regions import Level
from app.access.policy import role_name
from app.admin.accounts import bulk as account_bulk
from app.admin.accounts.bulk import Made, Plan
from app.core.clock import now, to_minute, today
from app.core.db import db
from app.core.errors import Conflict
from app.core.i18n import _, translate
from app.core.jobs.table import Job, JobContext, Owner, enqueue, job_kind
from app.core.transactions import rest, transaction
from app.kernel.exchange import printing

KIND = "account.bulk"
PAPER = Path(__file__).parent / "papers/first_passwords.typ"
_TRIES = 3
_KEPT = dt.timedelta(days=3)  # a paper with passwords lies about no longer than needed


def start(role: Role) -> Job:
    """Queue it for the current actor. :raises BadInput: nothing to do, or no room."""
    actor = account_bulk.require(role)
    planned = account_bulk.plan(db.session, role)
    if not planned.regions:
        raise Conflict(_("每个地区都已有这种用户，不需要再创建。"))
    job = enqueue(
        KIND,
        {"level": int(role[0]), "kind": role[1].value},
        owner=Owner(actor.account_id, actor.name, actor.path),
        subject=_("%(role)s（%(n)s 个）", role=translate(role_name(*role)), n=len(planned.regions)),
    )
    job.expires = now() + _KEPT
    return job


@job_kind(KIND, title="批量创建用户")
def run(job: JobContext) -> dict[str, Any]:
    """Make them and attach the paper; the result tells how many."""
    if job.checkpoint:
        return job.checkpoint  # they are all there: only the end was not written down
    role = (Level(job.args["level"]), Kind(job.args["kind"]))
    for _try in range(_TRIES):
        planned = account_bulk.plan(db.session, role)
        rest()
        if not planned.regions:
            return {"created": 0}
        made = list(_with_passwords(job, planned))
        name = f"{translate(role_name(*role))}_{_('初始密码')}_{today():%Y%m%d}.pdf"
        job.attach(io.BytesIO(paper(planned, made)), name, printing.MEDIA_TYPE)
        with transaction():
            created = account_bulk.create_all(db.session, planned, made)
            if created:
                job.save({"created": len(made)})
        if created:
            return {"created": len(made)}
    raise Conflict(_("用户或行政区划正在被他人修改，没有创建。请稍后重试。"))


def _with_passwords(job: JobContext, planned: Plan) -> Iterator[Made]:
    app = app_ctx.app

    def hashed_there(password: str) -> str:
        with app.app_context():
            return hashed(password)

    passwords = [first_password() for _region in planned.regions]
    workers = ThreadPoolExecutor(max(1, (os.cpu_count() or 1) // 2))  # people are at work beside it
    try:
        secrets = workers.map(hashed_there, passwords)
        total = len(passwords)
        for done, (region, password, secret) in enumerate(
            zip(planned.regions, passwords, secrets, strict=True), 1
        ):
            job.progress(done, total)
            yield Made(region, planned.names[region.id], password, secret)
    finally:
        workers.shutdown(cancel_futures=True)


def paper(planned: Plan, made: Sequence[Made]) -> bytes:
    """The slips with names and first passwords, as PDF."""
    county = regions.along(made[0].region.path)[-_LEVELS_BELOW[planned.role[0]]]
    name, own = county.name, county.full_name
    rest()
    data = {
        "title": _("%(place)s账号初始密码", place=name),
        "place": f"{own} {translate(role_name(*planned.role))}",
        "made_at": to_minute(now()),
        "notes": [
            _("裁开后当面交给使用人，不要用短信或微信群发送；交完后销毁本表。"),
            _("首次登录须修改初始密码，改后本表上的密码即失效。"),
        ],
        "labels": {
            "region": _("所属地区"),
            "name": _("用户名称"),
            "login": _("账号"),
            "password": _("初始密码"),
        },
        "accounts": [
            {
                "region": one.region.full_name.removeprefix(own),
                "name": one.region.name,
                "login": one.login,
                "password": one.password,
            }
            for one in made
        ],
    }
    return printing.pdf(PAPER, data)


_LEVELS_BELOW = {Level.TOWN: 2, Level.VILLAGE: 3}  # from the end of the line to the county
