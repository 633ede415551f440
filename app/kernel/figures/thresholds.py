"""A setting that rules ask for is another one: the records that it concerns are judged again, and until that is
done the figures of what they break are being counted.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from app.access.divisions.regions import Region, within
from app.access.scope import joined
from app.access.settings import Setting
from app.core.db import db
from app.core.jobs.table import Job, JobContext, JobState, enqueue, job_kind
from app.core.transactions import transaction
from app.kernel import hooks
from app.kernel.declare import choice_lists
from app.kernel.declare.expressions import FACT, Fact
from app.kernel.declare.register import Register, get_register
from app.kernel.figures import mending, rejudging
from app.kernel.figures import state as figures
from app.kernel.figures.comparing import proving

KIND = "quality.judge_again"
_WHY = "records are judged by other thresholds wherever these hold"


@hooks.setting_changed.listen()
def judge_again(setting: Setting, region: Region) -> None:
    """Let a job judge the records of the division, where rules ask for the setting."""
    for register in rejudging.registers():
        if FACT + setting.name not in register.rules.outer and not _compares(
            register, setting.name
        ):
            continue
        figures.reopen(db.session(), register)
        choice_lists.touch(db.session())  # other processes look again
        args = {"register": register.name, "setting": setting.name, "path": region.path}
        enqueue(KIND, args, owner=None)


def _compares(register: Register, name: str) -> bool:
    """Does a rule over other records ask from how many on it is broken?"""
    least = (rule.least for rule in register.shared.values())
    return any(isinstance(one, Fact) and one.what == name for one in least)


@job_kind(KIND, title="按新参数核对数据质量")
def judge(job: JobContext) -> dict[str, Any]:
    """The records of one register below a division, county by county; then its figures are told again."""
    register, path = get_register(job.args["register"]), job.args["path"]
    if register is None:
        return {"changed": 0}
    done = dict(job.checkpoint or {"path": "", "changed": 0})
    with joined(_WHY) as session:
        below = [one for one in mending.counties(session) if _concerned(one.path, path)]
    rejudging.go_on(job, done, register, below, (0, 1))
    if _compares(register, job.args["setting"]):
        done["changed"] += proving.mend(register)
    with transaction(), joined(_WHY, writes=True) as session:
        if not _others(register):
            figures.mark_filled(session, register, [figures.RULES])
    figures.forget()
    return {"changed": done["changed"]}


def _concerned(county: str, path: str) -> bool:
    """Does what a division sets hold in the county?"""
    return within(county, path) or within(path, county)


def _others(register: Register) -> bool:
    """Will another job judge all that again?"""
    waiting = select(Job.kind, Job.args).where(
        Job.state == JobState.QUEUED, Job.kind.in_((KIND, "figures.fill"))
    )
    return any(
        kind != KIND or args["register"] == register.name
        for kind, args in db.session.execute(waiting)
    )
