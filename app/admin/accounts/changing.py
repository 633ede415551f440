"""What managers do to accounts: each function is permission + change + audit.

The view says what belongs together (:mod:`app.core.transactions`). Who may do it to whom is told in
:mod:`app.access.accounts.managing`. Passwords are never in the audit log, nor any hash of them.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from flask_appbuilder.security.sqla.models import Role
from sqlalchemy import delete as sql_delete
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, joinedload

from app.access import policy
from app.access import session as sessions
from app.access.account import DEPARTMENTS, Account, first_password, hashed
from app.access.accounts import allowances, managing, tokens
from app.access.accounts import names as account_names
from app.access.accounts import sign_in as signin
from app.access.accounts.allowances import AllowanceFull
from app.access.actor import Actor, Capability, Duty, Kind, RegisterAccess
from app.access.audit import log as audit
from app.access.audit.log import Act, AuditEntry
from app.access.divisions.regions import Level, Region
from app.access.policy import role_name
from app.core.clock import uuid7
from app.core.db import db
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.core.i18n import _
from app.kernel.declare.register import all_registers
from app.kernel.declare.rules import Problem
from app.kernel.kinds import formats
from app.kernel.rows.record import Draft

SUBJECT = "account"  # what audit entries about accounts name as their register
NAME_LENGTH, PERSON_LENGTH = 50, 64
_WORK = (Act.CREATE, Act.UPDATE, Act.DELETE, Act.TRANSITION, Act.IMPORT, Act.FILE)
_LOCK: dict[str, Any] = {"of": Account, "key_share": True}


@dataclass(frozen=True)
class Details:
    """What the manager keeps of an account beside its place and role. ``registers`` None: all."""

    name: str = ""
    phone: str = ""
    department: str = ""
    entry_person: str = ""
    review_person: str = ""
    duties: frozenset[Duty] = frozenset()
    registers: Mapping[str, str] | None = None


@dataclass(frozen=True)
class _Subject:
    """An account as the audit log names it: by its stable key and its place."""

    id: uuid.UUID
    path: str | None


def get(account_id: uuid.UUID, *, lock: bool = False) -> Account:
    """The account, if it lies in the actor's area; else NotFound, noted in the audit log."""
    actor = policy.require(Capability.MANAGE_USERS)
    query = (
        select(Account)
        .where(Account.uuid == account_id, managing.visible(actor))
        .options(joinedload(Account.region), joinedload(Account.roles))
    )
    if lock:
        query = query.with_for_update(**_LOCK)
        query = query.execution_options(populate_existing=True)
    account = db.session.execute(query).unique().scalar()
    if account is None:
        audit.refused(register=SUBJECT, detail={"account": str(account_id)})
        raise NotFound(_("没有找到该用户。可能不存在，或不在您的管辖范围内。"), noted=True)
    return account


def details_of(account: Account) -> Details:
    """What is kept now."""
    return Details(
        name=account.first_name,
        phone=account.phone or "",
        department=account.department or "",
        entry_person=account.entry_person or "",
        review_person=account.review_person or "",
        duties=frozenset(duties_of(account)),
        registers=account.registers,
    )


def duties_of(account: Account) -> list[Duty]:
    """The duties among the account's roles."""
    held = {role.name for role in account.roles}
    return [duty for duty in Duty if duty.zh in held]


def fingerprint(account: Account) -> str:
    """Tells a form that was filled in on older details."""
    told = asdict(details_of(account)) | {"duties": sorted(duties_of(account))}
    told |= {"level": account.level, "kind": account.kind, "region": account.region_id}
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]


# ---- create, change ------------------------------------------------------------------------


def create(
    level: Level, kind: Kind, region_id: int | None, login: str, details: Details
) -> tuple[Account, str]:
    """A new account and its first password, which nobody can ask for again.

    ``login`` empty takes the suggested name. :raises Invalid: with every problem of the form.
    """
    actor = policy.require(Capability.MANAGE_USERS)
    if (level, kind) not in managing.creates(actor):
        raise Forbidden(_("您的账号不能创建这种用户。"))
    region = db.session.get(Region, region_id) if region_id is not None else None
    problems = place_problems(actor, level, kind, region)
    login = account_names.mended(login)
    if login and (wrong := account_names.problem(login)):
        problems.append(Problem("login", "login.form", wrong))
    problems += _problems(level, kind, details)
    if problems or region is None:
        raise Invalid(invalid_text(problems), problems)
    password = first_password()
    secret = hashed(password)  # slow, so before the lock
    allowances.lock(db.session, actor.region_id)
    try:
        allowances.require_room(db.session, level, kind, region)
    except AllowanceFull as error:
        raise _invalid_field("region", "allowance", error.message) from None
    login = login or _suggested(region, kind)
    if account_names.is_taken(db.session, login):
        raise _taken(login)
    account = new_account(db.session, region, kind, login, details)
    account.password = secret
    try:
        db.session.flush()
    except IntegrityError:
        raise _taken(login) from None
    note_created(db.session, account, region, details)
    return account, password


def new_account(
    session: Session, region: Region, kind: Kind, login: str, details: Details
) -> Account:
    """A row in the session, without a password; the caller has asked and locked."""
    level = Level(region.level)
    account = Account(
        uuid=uuid7(),
        username=login,
        first_name=details.name,
        last_name="",
        email=f"{login}@invalid",  # FAB wants one; nobody writes to it
        active=True,
        level=int(level),
        kind=kind,
        region_id=region.id,
        path=region.path,
        must_change_password=True,
    )
    assign(session, account, details)
    session.add(account)
    return account


def note_created(session: Session, account: Account, region: Region, details: Details) -> None:
    """The audit entry of a new account."""
    told = _told(_with_own_duties(account, details)) | {
        "account": account.username,
        "role": role_name(Level(account.level), account.kind),
        "region": region.full_name,
    }
    audit.record(session, Act.CREATE, register=SUBJECT, row=subject_of(account), detail=told)


def change(account_id: uuid.UUID, details: Details, seen: str) -> Account:
    """Change details, duties, registers; ``seen`` is the form's :func:`fingerprint`.

    :raises Conflict: someone changed them meanwhile. :raises Invalid: with every problem.
    """
    account = managed_account(account_id)
    problems = _problems(Level(account.level), account.kind, details)
    if problems:
        raise Invalid(invalid_text(problems), problems)
    before = details_of(account)
    details = _with_own_duties(account, details)
    if _told(before) != _told(details) and fingerprint(account) != seen:
        raise Conflict(_("该用户的信息刚被修改，请核对后再保存。"), row=account)
    assign(db.session, account, details)
    _note_changes(account, _told(before), _told(details_of(account)))
    return account


def change_own(account: Account, details: Details) -> None:
    """What everybody may change of the own account: names and phone, no duties, no registers."""
    db.session.refresh(account, with_for_update=_LOCK)
    kept = details_of(account)
    wanted = replace(
        details, duties=kept.duties, registers=kept.registers, department=kept.department
    )
    problems = _problems(Level(account.level), account.kind, wanted)
    if problems:
        raise Invalid(invalid_text(problems), problems)
    assign(db.session, account, wanted)
    _note_changes(account, _told(kept), _told(details_of(account)))


# ---- password, state, deletion ---------------------------------------------------------------


def reset_password(account_id: uuid.UUID) -> tuple[Account, str]:
    """A new first password: sessions and API tokens end, the next login must change it. Shown once."""
    password = first_password()
    secret = hashed(password)  # slow, so before the lock
    account = get(account_id, lock=True)
    actor = policy.require(Capability.MANAGE_USERS)
    if not managing.may_reset(actor, account):
        raise Forbidden(_("该账号的密码由它的上一级管理用户重置。"))
    account.password = secret
    account.must_change_password = True
    sessions.end(account.id)
    tokens.end_all(account.id)
    signin.forgive(account.username)
    detail = {"account": account.username, "reset": True}
    audit.record(db.session, Act.PASSWORD, register=SUBJECT, row=subject_of(account), detail=detail)
    return account, password


def deactivate(account_id: uuid.UUID) -> Account:
    """注销: the account is out at once, and no longer counts. Saying it twice changes nothing."""
    account = managed_account(account_id)
    if account.active:
        account.active = False
        sessions.end(account.id)
        tokens.end_all(account.id)
        _note_changes(account, {"active": True}, {"active": False}, Act.PERMISSION)
    return account


def reactivate(account_id: uuid.UUID) -> Account:
    """Back to 正常, if there is room. :raises AllowanceFull: there is none."""
    actor = policy.require(Capability.MANAGE_USERS)
    allowances.lock(db.session, actor.region_id)
    account = managed_account(account_id)
    if not account.active:
        allowances.require_room(db.session, Level(account.level), account.kind, account.region)
        account.active = True
        _note_changes(account, {"active": False}, {"active": True}, Act.PERMISSION)
    return account


def delete(account_id: uuid.UUID) -> str:
    """Take an account away that never entered or reviewed anything; gives its name.

    :raises Conflict: it did, and can only be deactivated.
    """
    account = managed_account(account_id)
    if has_worked(account):
        raise Conflict(
            _("账号 %(login)s 录入或审核过数据，不能删除，只能注销。", login=account.username)
        )
    detail = _told(details_of(account)) | {"account": account.username}
    audit.record(db.session, Act.DELETE, register=SUBJECT, row=subject_of(account), detail=detail)
    db.session.execute(sql_delete(Draft).where(Draft.account_id == account.uuid))
    sessions.end(account.id)
    db.session.delete(account)
    return account.username


def has_worked(account: Account) -> bool:
    """Did the account ever enter, change, submit or review a record? The audit log knows; what
    demonstration accounts did was never logged.
    """
    if account.demo:
        return True
    query = select(AuditEntry.id).where(
        AuditEntry.account_id == account.uuid,
        AuditEntry.act.in_(_WORK),
        AuditEntry.register.in_([register.name for register in all_registers()]),
    )
    return db.session.scalar(query.limit(1)) is not None


# ---- shared --------------------------------------------------------------------------------


def managed_account(account_id: uuid.UUID, *, lock: bool = True) -> Account:
    """The account, locked, if the actor manages it. :raises Forbidden: another manager does."""
    account = get(account_id, lock=lock)
    actor = policy.require(Capability.MANAGE_USERS)
    if account.uuid == actor.account_id:
        raise Forbidden(_("不能在这里修改自己的账号，请到“我的账号”。"))
    if not managing.manages(actor, account):
        raise Forbidden(_("该账号由它的上一级管理用户管理，您只能查看。"))
    return account


def place_problems(actor: Actor, level: Level, kind: Kind, region: Region | None) -> list[Problem]:
    """What stands against an account of that role in that division."""
    if region is None:
        return [Problem("region", "region.required", _("请选择所属地区。"))]
    if managing.may_create(actor, (level, kind), region):
        return []
    text = _("所属地区须为您直接管理的%(level)s地区，请重新选择。", level=level.label)
    return [Problem("region", "region.level", text)]


def _problems(level: Level, kind: Kind, details: Details) -> list[Problem]:
    problems = []
    if not details.name or len(details.name) > NAME_LENGTH:
        text = _("请填写姓名或单位名称，最多50个字。")
        problems.append(Problem("name", "name.required", text))
    if details.phone and not formats.phone_valid(details.phone):
        text = _("电话号码不正确，请填写 11 位手机号，或区号-号码。")
        problems.append(Problem("phone", "phone.form", text))
    if details.department and details.department not in DEPARTMENTS.values():
        problems.append(Problem("department", "department.list", _("请从列表中选择所属部门。")))
    for field in ("entry_person", "review_person"):
        text = getattr(details, field)
        if len(text) > PERSON_LENGTH:
            problems.append(Problem(field, f"{field}.length", too_long(PERSON_LENGTH, text)))
    if details.duties - {
        *managing.duties_to_choose(level, kind),
        *managing.duties_of(level, kind),
    }:
        text = _("这种用户不能授予所选职责。")
        problems.append(Problem("duties", "duties.role", text))
    return problems + _register_problems(level, kind, details.registers)


def _register_problems(
    level: Level, kind: Kind, registers: Mapping[str, str] | None
) -> list[Problem]:
    if registers is None:
        return []
    known = {register.name for register in all_registers()}
    odd = registers.keys() - known or set(registers.values()) - set(RegisterAccess)
    if odd or not managing.has_register_list(level, kind):
        return [Problem("registers", "registers.list", _("模块权限有误，请重新选择。"))]
    return []


def assign(session: Session, account: Account, details: Details) -> None:
    """Set the details; roles are those of the level and kind, of its own and the given duties."""
    level = Level(account.level)
    account.first_name = details.name
    account.phone = details.phone or None
    account.department = details.department or None
    account.entry_person = details.entry_person or None
    account.review_person = details.review_person or None
    account.registers = dict(details.registers) if details.registers is not None else None
    duties = _with_own_duties(account, details).duties
    names = {role_name(level, account.kind), *(duty.zh for duty in duties)}
    if {role.name for role in account.roles} != names:
        account.roles = roles_named(session, names)


def roles_named(session: Session, names: Collection[str]) -> list[Role]:
    """FAB's roles of these names."""
    return list(session.scalars(select(Role).where(Role.name.in_(sorted(names)))))


def _with_own_duties(account: Account, details: Details) -> Details:
    own = managing.duties_of(Level(account.level), account.kind)
    return replace(details, duties=details.duties.union(own))


def _told(details: Details) -> dict[str, Any]:
    """Details as the audit log keeps them."""
    return {
        "name": details.name,
        "phone": details.phone,
        "department": details.department,
        "entry_person": details.entry_person,
        "review_person": details.review_person,
        "duties": [duty.zh for duty in Duty if duty in details.duties],
        "registers": dict(details.registers) if details.registers is not None else None,
    }


def _note_changes(
    account: Account, before: dict[str, Any], after: dict[str, Any], act: Act | None = None
) -> None:
    changes = {k: [before[k], after[k]] for k in before if before[k] != after[k]}
    if not changes:
        return
    rights = changes.keys() & {"duties", "registers"}
    audit.record(
        db.session,
        act or (Act.PERMISSION if rights else Act.UPDATE),
        register=SUBJECT,
        row=subject_of(account),
        detail={"account": account.username, "changes": changes},
    )


def subject_of(account: Account) -> _Subject:
    """The account as an audit entry names it."""
    return _Subject(account.uuid, account.path)


def _suggested(region: Region, kind: Kind) -> str:
    found = account_names.suggest(db.session, [region], kind)
    if region.id not in found:
        text = _("%(place)s建议的账号都已用过，请自己填写账号。", place=region.name)
        raise _invalid_field("login", "login.none", text)
    return found[region.id]


def _taken(login: str) -> Invalid:
    text = _("账号 %(login)s 已存在，请换一个。", login=login)
    return _invalid_field("login", "login.taken", text)


def _invalid_field(field: str, code: str, text: str) -> Invalid:
    problems = [Problem(field, f"{field}.{code}", text)]
    return Invalid(text, problems)


def invalid_text(problems: Sequence[Problem]) -> str:
    """What stands above a form with these problems."""
    return _("有 %(n)s 处需要修改，修改后再保存。", n=len(problems))


def too_long(most: int, text: str) -> str:
    """How much of a text is too much."""
    return _("最多 %(n)s 个字，现有 %(m)s 个。", n=most, m=len(text))
