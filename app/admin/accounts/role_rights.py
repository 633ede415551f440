"""What a role may do, changed by the ministry (spec 01 "Roles in the open"), and put back to the matrix.

A change holds for every account that has the role, from its next request on: rights are read with the
account, and nothing is remembered of it. It survives deploys (:mod:`app.access.roles`).
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from app.access import policy, roles
from app.access.actor import Actor, Capability, Kind
from app.access.audit import log as audit
from app.access.audit.log import Act
from app.access.divisions.regions import NATION_PATH, Level
from app.core.db import db
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.core.i18n import _, translate
from app.kernel.declare.register import all_registers
from app.kernel.declare.rules import Problem
from app.kernel.households.audit_words import right_label

SUBJECT = "role"  # what audit entries about roles name as their register
_KEYS = uuid.UUID("0b6f3c52-4b0c-5d0e-8a57-6a3c1f2f9d11")  # of the roles' names in the audit log
_CHANGES = Level.NATION, Kind.MANAGER
_MOST_TOLD = 5
FIELD = "permissions"  # what FAB calls a role's rights


@dataclass(frozen=True)
class _Subject:
    """A role as the audit log names it."""

    id: uuid.UUID
    path: str = NATION_PATH


def may_change(actor: Actor) -> bool:
    """The ministry's manager with the right to settings changes roles, nobody else."""
    return (actor.level, actor.kind) == _CHANGES and policy.may(Capability.SETTINGS, actor=actor)


def require_may_change() -> None:
    """:raises Forbidden: see :func:`may_change`."""
    if not may_change(policy.require(Capability.SETTINGS)):
        raise Forbidden(_("只有部级管理用户可以修改角色的权限。"))


def registers() -> list[str]:
    """The registers of this program, which rights are about."""
    return [register.name for register in all_registers()]


def fingerprint(held: Collection[str]) -> str:
    """Tells a form that was made when the role held something else."""
    return hashlib.sha256(",".join(sorted(held)).encode()).hexdigest()[:16]


def change(role: str, given: Collection[str], taken: Collection[str], seen: str) -> bool:
    """Give rights to a role and take others; ``seen`` is the form's :func:`fingerprint`. False where it
    stands so already.

    :raises Forbidden: not the ministry's manager. :raises NotFound: no such role.
    :raises Invalid: beyond what the role may ever have, or the last way to change roles would be gone.
    :raises Conflict: somebody changed the role meanwhile.
    """
    require_may_change()
    key, held = _locked(role)
    given, taken = set(given) - held, set(taken) & held
    if problems := _problems(role, given, taken):
        raise Invalid(problems[0].message, problems)
    return _write(role, key, held, given, taken, seen)


def put_back(role: str, seen: str) -> bool:
    """The role as the matrix says; False where it is so already.

    :raises Forbidden: not the ministry's manager. :raises NotFound: no such role.
    :raises Conflict: somebody changed the role meanwhile.
    """
    require_may_change()
    key, held = _locked(role)
    wanted = roles.defaults(registers())[role]
    return _write(role, key, held, wanted - held, held - wanted, seen)


def add_all(rights: Mapping[str, set[str]]) -> None:
    """Give each role these rights beside its own; for a command, which nobody is signed in for.

    :raises NotFound: no such role. :raises Invalid: beyond what a role may ever have.
    """
    for role, wanted in sorted(rights.items()):
        key, held = _locked(role)
        given = wanted - held
        if problems := _problems(role, given, set()):
            raise Invalid(problems[0].message, problems)
        _write(role, key, held, given, set(), fingerprint(held))


def _locked(role: str) -> tuple[int, set[str]]:
    """Key and rights of a role that nobody changes until the transaction ends."""
    keys = roles.lock(db.session())
    if role not in keys or role not in roles.ceilings(registers()):
        raise NotFound(_("没有这个角色。"))
    return keys[role], roles.in_force(db.session())[role]


def _write(
    role: str, key: int, held: set[str], given: set[str], taken: set[str], seen: str
) -> bool:
    if not given and not taken:
        return False
    if fingerprint(held) != seen:
        raise Conflict(_("该角色的权限刚被修改，请核对后再保存。"))
    roles.give(db.session(), key, given)
    roles.take(db.session(), key, taken)
    note(role, given, taken)
    return True


def note(role: str, given: Collection[str], taken: Collection[str]) -> None:
    """The audit entry of a role's change."""
    detail = {"role": role, "given": sorted(given), "taken": sorted(taken)}
    subject = _Subject(uuid.uuid5(_KEYS, role))
    audit.record(db.session, Act.PERMISSION, register=SUBJECT, row=subject, detail=detail)


def _problems(role: str, given: set[str], taken: set[str]) -> list[Problem]:
    problems = []
    if beyond := given - roles.ceilings(registers())[role]:
        text = _(
            "“%(role)s”不能有这些权限：%(rights)s。", role=translate(role), rights=_listed(beyond)
        )
        problems.append(Problem(FIELD, "rights.ceiling", text))
    if role == policy.role_name(*_CHANGES) and roles.right(Capability.SETTINGS) in taken:
        text = _("不能收回部级管理用户的“%(right)s”权限：收回后没有人能再修改角色。",
                 right=Capability.SETTINGS.label)  # fmt: skip
        problems.append(Problem(FIELD, "rights.last", text))
    return problems


def _listed(rights: Collection[str]) -> str:
    """The first few in words."""
    told = [right_label(name) for name in sorted(rights)]
    text = _("、").join(told[:_MOST_TOLD])
    return text if len(told) <= _MOST_TOLD else _("%(some)s等 %(n)s 项", some=text, n=len(told))
