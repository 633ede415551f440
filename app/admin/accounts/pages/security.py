"""FAB's security manager with our accounts: who is signed in is read in one statement."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from click import ClickException
from flask_appbuilder.security.sqla.manager import SecurityManager
from sqlalchemy import and_, bindparam, select
from sqlalchemy.orm import defer, joinedload, selectinload

from app.access import policy, roles
from app.access.account import Account
from app.access.accounts import sign_in as signin
from app.access.actor import Capability
from app.access.divisions.regions import Region
from app.access.scope import MADE_ONCE, current_actor
from app.access.session import OpenSession
from app.admin.accounts import role_rights
from app.admin.accounts.pages.captcha import CaptchaView
from app.admin.accounts.pages.own import AccountView
from app.admin.accounts.pages.sign_in import SignInView
from app.core.db import db
from app.core.errors import AnjuError
from app.core.transactions import transaction
from app.core.types import UuidType
from app.kernel.declare import choice_lists
from app.kernel.declare.register import all_registers
from app.web.frame.requests import session_key

_MOST_DIGITS = 9

#: Columns that hardly any page shows: each that is read costs every page.
_SELDOM = (
    Account.last_name, Account.email, Account.last_login, Account.login_count,
    Account.fail_login_count, Account.created_on, Account.changed_on, Account.created_by_fk,
    Account.changed_by_fk, Account.department, Account.locked_at, Account.lock_reason,
    Account.entry_person, Account.review_person,
)  # fmt: skip
_SELDOM_OF_REGION = Region.sort, Region.initials, Region.national_code, Region.department
#: The account of a session with its division, its rights and the session's row. Made once: building
#: it costs as much as asking, and every request asks.
_SIGNED_IN = (
    select(Account, policy.rights_of(Account.id), OpenSession, choice_lists.in_force())
    .join(
        OpenSession,
        and_(
            OpenSession.id == bindparam("opened", type_=UuidType()),
            OpenSession.account_id == Account.id,
        ),
    )
    .options(
        joinedload(Account.region).options(*map(defer, _SELDOM_OF_REGION)), *map(defer, _SELDOM)
    )
    .where(Account.id == bindparam("id"), Account.locked_at.is_(None))
    .execution_options(**{MADE_ONCE: True})
)


class AccountSecurityManager(SecurityManager):
    """FAB's manager with our accounts; of its own pages only the sign-in is registered here. What it asks
    about rights is answered by app.access.policy, from the same rows.
    """

    user_model = Account

    def has_access(self, permission_name: str, view_name: str) -> bool:
        """May who acts, by a session or a token, do this in the view? Costs no statement."""
        actor, name = current_actor(), permission_name.removeprefix(policy.PREFIX)
        return (
            actor is not None
            and name != permission_name
            and (name, view_name) in actor.capabilities
        )

    def is_item_public(self, permission_name: str, view_name: str) -> bool:
        """Nothing is anybody's."""
        return False

    def get_user_menu_access(self, menu_names: list[str] | None = None) -> set[str]:
        """All: whether an entry is shown is asked of its view."""
        return set(menu_names or ())

    def add_permissions_view(self, base_permissions: list[str], view_menu: str) -> None:
        """Only adds, what is missing: views share a subject, and none removes what another one needs.
        The roles get rights by the deploy step and by the ministry, nobody by the way.
        """
        rights = {f"{permission}:{view_menu}" for permission in base_permissions}
        if roles.missing(db.session(), rights):
            with transaction():
                roles.add(db.session(), rights)

    def get_all_users(self) -> list[Account]:
        """For ``flask fab list-users``."""
        query = select(Account).options(selectinload(Account.roles)).order_by(Account.username)
        return list(db.session.scalars(query))

    def import_roles(self, path: str) -> None:
        """Add the rights of a file of ``flask fab export-roles`` to the roles: all, or none of them.

        :raises ClickException: what it says is none of ours, or beyond what a role may ever have.
        """
        try:
            with transaction():
                role_rights.add_all(_read_roles(path))
        except AnjuError as error:
            raise ClickException(error.message) from None

    def add_permissions_menu(self, view_menu_name: str) -> None:
        """Menus have no rights of their own."""

    def security_cleanup(self, baseviews: list[Any], menus: Any) -> None:
        """Delete rights on subjects that are neither the policy's nor a view's."""
        known = {view.class_permission_name for view in baseviews} | set(_subjects())
        with transaction():
            roles.forget(db.session(), known)
        self.security_converge(baseviews, menus)

    def create_state_transitions(self, baseviews: list[Any], menus: Any) -> dict[str, Any]:
        """What :meth:`security_converge` moves and deletes: nothing of the policy's."""
        found: dict[str, Any] = super().create_state_transitions(baseviews, menus)
        ours = set(_subjects())
        found["del_views"] -= ours
        found["del_role_pvm"] = {pair for pair in found["del_role_pvm"] if pair[0] not in ours}
        found["del_perms"] -= {policy.PREFIX + capability.value for capability in Capability}
        return found

    def load_user(self, pk: str) -> Account | None:
        """The signed-in account with its division, its rights and its open session, in one
        statement; None once the session was ended, the account is closed or locked, or it has
        another password than when the session began.
        """
        key, opened = pk.partition("-")[0], session_key()
        if opened is None or not key.isdigit() or len(key) > _MOST_DIGITS:
            return None
        found = db.session.execute(_SIGNED_IN, {"id": int(key), "opened": opened}).first()
        if found is None or not signin.is_open(found[0]) or found[0].get_id() != pk:
            return None
        account: Account = found[0]
        account.rights, account.opened = found[1], found[2]
        choice_lists.expect(found[3])
        return account

    def register_views(self) -> None:
        self.auth_view = SignInView()
        self.auth_view.endpoint = None
        self.appbuilder.add_view_no_menu(self.auth_view, "AuthDBView")
        for view in (AccountView, CaptchaView):
            self.appbuilder.add_view_no_menu(view())


def _read_roles(path: str) -> dict[str, set[str]]:
    try:
        text = Path(path).read_text(encoding="utf-8")
        return {
            role["name"]: {
                f"{pair['permission']['name']}:{pair['view_menu']['name']}"
                for pair in role["permissions"]
            }
            for role in json.loads(text)
        }
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ClickException(f"{path} is no file of exported roles: {error}") from None


def _subjects() -> list[str]:
    return roles.subjects(register.name for register in all_registers())
