"""FAB's security manager with our accounts: who is signed in is read in one statement."""

from __future__ import annotations

from flask_appbuilder.security.sqla.manager import SecurityManager
from sqlalchemy import and_, bindparam, select
from sqlalchemy.orm import defer, joinedload

from app.access import policy
from app.access.account import Account
from app.access.accounts import sign_in as signin
from app.access.divisions.regions import Region
from app.access.scope import MADE_ONCE
from app.access.session import OpenSession
from app.admin.accounts.pages.captcha import CaptchaView
from app.admin.accounts.pages.own import AccountView
from app.admin.accounts.pages.sign_in import SignInView
from app.core.db import db
from app.core.types import UuidType
from app.kernel.declare import choice_lists
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
    """FAB's manager with our accounts; of its own pages only the sign-in is registered here."""

    user_model = Account

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
