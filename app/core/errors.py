"""The catalogue of errors that reach a user. Each has a status, a stable code and a message.

Raise them anywhere below the web layer; the web layer renders them as a page, a part of a page
or JSON. A message says what is wrong, where, and what to do.
"""

from __future__ import annotations

from typing import Any


class AnjuError(Exception):
    """Base: ``status`` is the HTTP status, ``code`` a stable id for tests and API clients."""

    status = 400
    code = "bad_request"

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.details = details


class BadInput(AnjuError):
    """A value of the URL, form or file is wrong."""

    status, code = 400, "bad_input"


class Invalid(AnjuError):
    """A form breaks rules; ``problems`` is a list of :class:`app.kernel.declare.rules.Problem`."""

    status, code = 422, "invalid"

    def __init__(self, message: str, problems: list[Any]) -> None:
        super().__init__(message, problems=problems)
        self.problems = problems


class Forbidden(AnjuError):
    """The account may see this but not do that."""

    status, code = 403, "forbidden"


class NotFound(AnjuError):
    """It does not exist, or lies outside the account's area: the answer is the same."""

    status, code = 404, "not_found"


class Conflict(AnjuError):
    """Someone else changed or decided the record meanwhile."""

    status, code = 409, "conflict"


class TooMany(AnjuError):
    """Done too often within a time; the message says for how long one must wait."""

    status, code = 429, "too_many"


class TryAgain(Conflict):
    """Something else was in the way for a moment; a job goes on from its checkpoint."""

    code = "try_again"


class OutsideScope(NotFound):
    """A write outside the account's area reached the session: a mistake in our own code."""

    code = "outside_scope"
