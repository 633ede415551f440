"""The request owns the transaction: what one click does is one transaction, or nothing.

A request begins reading (:func:`app.core.db.set_read_only`): account, session, rights and the record
that the form is about cost no lock. Then the view, and nobody else, says what belongs together::

    try:
        with transaction():
            row = records.save(…)               # actions flush; they never commit, never roll back
            attachments.arrange(…)
            refused = attempt(lambda: steps.transition(…))   # may fail; the save stands
    except Invalid as error:
        return self._form_page(…)               # rolled back: the lock is gone, the page only reads
    flash(…)                                    # said when it is true

So does a job, each batch of which is one; a command says it too. Whatever writes otherwise is refused.

- What decides is read inside, with a lock (``records.get(…, lock=True)``); nothing that was read
  before may decide. What was read before stays loaded: the reading ends with a commit.
- What reads or writes beyond the own area inside goes through :func:`app.access.scope.joined`: a second
  connection would see the state from before, and on SQLite wait for the lock that we hold.
- What must outlive a refusal (notes of the audit log, the lock of an account) is given to
  :func:`apart`: it is done when the transaction is over, whichever way.
- Files: keys of what was stored go to :func:`stored`, of what lost its row to :func:`orphaned`; a
  rollback removes the first, a commit the second.
- What must count although the request fails (limits, captchas, tries to sign in) is a short
  transaction of its own before this one.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TypeVar

from sqlalchemy import event
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from app.core.db import db, read_only
from app.core.errors import AnjuError, TryAgain
from app.core.files.storage import discard
from app.core.i18n import _

T = TypeVar("T")
log = logging.getLogger(__name__)


@dataclass
class _After:
    """What is done when the transaction is over."""

    made: list[str] = field(default_factory=list)  # files of rows that it adds
    gone: list[str] = field(default_factory=list)  # files whose rows it deletes
    acts: list[Callable[[], object]] = field(default_factory=list)
    ending: bool = False

    def settle(self, *, committed: bool) -> None:
        """What cannot be done is logged: a save that is done stays done."""
        for key in self.gone if committed else self.made:
            discard(key)
        for act in self.acts:
            try:
                with read_only(value=False):
                    act()
            except (AnjuError, SQLAlchemyError):
                db.session.rollback()
                log.exception("what belongs after a transaction was not done")


_open: ContextVar[_After | None] = ContextVar("open_transaction", default=None)


@contextmanager
def transaction() -> Iterator[None]:
    """One transaction of ``db.session``, which may write: committed at the end, rolled back by
    whatever is raised.

    :raises TryAgain: what there may be only once came in elsewhere meanwhile.
    """
    with _begun(commits=True):
        yield


@contextmanager
def _begun(*, commits: bool) -> Iterator[None]:
    if _open.get() is not None:
        raise RuntimeError("a transaction within a transaction: who asked for it owns it")
    rest()  # what was read stays loaded
    after, committed = _After(), False
    token = _open.set(after)
    try:
        with read_only(value=False):
            yield
            if commits:
                after.ending = True
                db.session.commit()
        committed = commits
    except IntegrityError as error:
        raise TryAgain(_("同样的内容刚刚在别处保存，请核对后再保存一次。")) from error
    finally:
        _open.reset(token)
        if not committed:
            db.session.rollback()
        after.settle(committed=committed)


def tried(do: Callable[[], T], times: int = 2) -> T:
    """``do``, which is a transaction; again where something came in or changed at the same moment: then
    it finds that, and decides anew.

    :raises TryAgain: the last time again. :raises StaleDataError: as well.
    """
    for _before in range(times - 1):
        try:
            return do()
        except TryAgain as error:
            if not isinstance(error.__cause__, IntegrityError):
                raise
        except StaleDataError:
            pass
    return do()


@contextmanager
def supposed() -> Iterator[None]:
    """A transaction that is never committed: what would come of it is looked at within."""
    with _begun(commits=False):
        yield


def attempt(step: Callable[[], object]) -> AnjuError | None:
    """A step that may be refused while what was done before it stands; gives the refusal."""
    try:
        with db.session.begin_nested():
            step()
    except AnjuError as error:
        return error
    return None


def apart(act: Callable[[], object]) -> None:
    """Do ``act`` in a transaction of its own, whatever becomes of this one: when it is over. Where
    none is open, what the session holds is given up and it is done at once.
    """
    after = _open.get()
    if after is not None:
        after.acts.append(act)
        return
    db.session.rollback()  # on SQLite one session writes at a time
    act()


def rest() -> None:
    """End the reading before something that takes long: the connection goes back, what was read
    stays.
    """
    if _open.get() is not None:
        raise RuntimeError("a transaction holds what others wait for: nothing takes long inside")
    if db.session().in_transaction():
        db.session.commit()


def give_up() -> None:
    """What the session holds is given back and read anew when it is asked for, also of a database that
    does not answer any more. Nothing of it is written.
    """
    if _open.get() is not None:
        raise RuntimeError("who began the transaction ends it, by raising")
    try:
        db.session.rollback()
    except SQLAlchemyError:
        db.session.invalidate()


def stored(*keys: str) -> None:
    """These files are of rows that the transaction adds: without its commit they go again."""
    _now_open().made.extend(keys)


def orphaned(keys: Iterable[str]) -> None:
    """These files have no row any more once the transaction is committed: then they go."""
    _now_open().gone.extend(keys)


def is_open() -> bool:
    """Is there a transaction of a request here?"""
    return _open.get() is not None


def _now_open() -> _After:
    after = _open.get()
    if after is None:
        raise RuntimeError("no transaction is open: say `with transaction():` where the click ends")
    return after


@event.listens_for(Session, "before_commit")
def _refuse_to_end(session: Session) -> None:
    after = _open.get()
    if after is None or after.ending or session.in_nested_transaction():
        return
    if session is db.session():
        raise RuntimeError("an action commits what the request began")
