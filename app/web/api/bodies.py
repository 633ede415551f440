"""What a request to the API says: its numbers, its JSON, which version it changes, who acts."""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from flask import Response, request

from app.access import repeats
from app.access.actor import Actor
from app.core.errors import BadInput, Invalid
from app.core.i18n import _
from app.core.types import nfc
from app.kernel.declare.rules import Problem
from app.kernel.records.history import Contact
from app.web.frame.problems import NotJson, NoVersion

_VERSION = re.compile(r'(?:W/)?"?v?(\d{1,9})"?')
_KEY = re.compile(r"[\x21-\x7e]{1,64}")


def whole_number(text: str | None, default: int, low: int, high: int, name: str) -> int:
    """A number of the address.

    :raises BadInput: none, or out of bounds.
    """
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 10 and low <= int(text) <= high):
        text = _("%(name)s 应为 %(low)s 至 %(high)s 的整数。", name=name, low=low, high=high)
        raise BadInput(text, parameter=name)
    return int(text)


def json_object(*known: str) -> dict[str, Any]:
    """The body, an object with no other names than these.

    :raises NotJson: not sent as JSON. :raises BadInput: it is none. :raises Invalid: unknown names.
    """
    if request.mimetype != "application/json":
        raise NotJson(_("请求内容应为 JSON（Content-Type: application/json）。"))
    try:
        said = json.loads(request.get_data(), parse_constant=_no_number)
    except (ValueError, RecursionError):  # also what is no UTF-8
        raise BadInput(_("请求内容不是正确的 JSON。")) from None
    if not isinstance(said, dict):
        raise BadInput(_("请求内容应为 JSON 对象。"))
    unknown = [name for name in said if name not in known]
    if unknown:
        text = _("没有这个项目，请核对名称。")
        raise invalid([Problem(f"/{name[:80]}", "unknown", text) for name in unknown])
    return said


def _no_number(_text: str) -> Any:
    raise ValueError


def of_type(said: dict[str, Any], name: str, kind: type, default: Any) -> Any:
    """A named part of the body.

    :raises Invalid: of another type.
    """
    value = said.get(name)
    if value is None:
        return default
    if not isinstance(value, kind):
        wanted = {
            "dict": _("应为对象。"),
            "list": _("应为数组。"),
            "str": _("应为文字。"),
            "bool": _("应为 true 或 false。"),
        }
        raise invalid([Problem(f"/{name}", f"{name}.type", wanted[kind.__name__])])
    return value


def invalid(problems: list[Problem]) -> Invalid:
    """The error that names these problems."""
    return Invalid(_("有 %(n)s 处内容有误，没有写入。", n=len(problems)), problems)


def version(said: dict[str, Any]) -> int:
    """The version of the record that the client saw: in the header If-Match, or in the body.

    :raises NoVersion: in neither. :raises BadInput: unreadable, or two that differ.
    """
    header, number = request.headers.get("If-Match"), said.get("version")
    wrong = BadInput(_("版本号有误，请先读取记录，用返回的 version。"), parameter="version")
    match = _VERSION.fullmatch(header.strip()) if header is not None else None
    if header is not None and match is None:
        raise wrong
    if number is not None and (type(number) is not int or not 0 <= number < 10**9):
        raise wrong
    if number is not None and match is not None and number != int(match[1]):
        raise wrong
    if number is not None:
        return int(number)
    if match is None:
        raise NoVersion(_("请用 If-Match 或 version 说明改的是哪个版本，以免覆盖他人的修改。"))
    return int(match[1])


def contact(said: dict[str, Any], actor: Actor) -> Contact:
    """Who is behind the account at this step; not said, the one of the last time."""
    given = of_type(said, "contact", dict, {})
    if unknown := [name for name in given if name not in ("name", "phone")]:
        text = _("没有这个项目，请核对名称。")
        raise invalid([Problem(f"/contact/{unknown[0][:80]}", "unknown", text)])
    name = of_type(given, "name", str, actor.contact_name or actor.name)
    return Contact(nfc(name), nfc(of_type(given, "phone", str, actor.contact_phone)))


def reasons(said: dict[str, Any], offered: Collection[str]) -> tuple[str, ...]:
    """Reasons of a step, as the declaration has them.

    :raises Invalid: one that the step does not offer.
    """
    given = of_type(said, "reasons", list, [])
    if any(one not in offered for one in given):
        text = _("没有这个原因，请用接口文档列出的文字，或写在 opinion 里。")
        raise invalid([Problem("/reasons", "reasons.unknown", text)])
    return tuple(one for one in offered if one in given)


# ---- sent twice -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Made:
    """What a request came to: its status, and the key of what it made or changed."""

    status: int
    key: uuid.UUID


def once(
    actor: Actor,
    act: Callable[[], Made],
    answer: Callable[[Made], Response],
    prepare: Callable[[], object] = int,
) -> Response:
    """``act`` and its ``answer``, after what takes long (``prepare``); what came of it the first time, where the header
    ``Idempotency-Key`` says that the request was sent before.

    :raises BadInput: an unreadable key, or one that stood for another request.
    """
    asked = sent(actor)  # before anybody reads the body
    prepare()
    try:
        with repeats.once(asked) as outcome:
            made = act()
            outcome.status, outcome.result = made.status, made.key
    except repeats.Reused as error:
        raise BadInput(_("这个 Idempotency-Key 已用于另一个请求，请换一个。")) from error
    except repeats.Repeated as repeated:
        earlier = repeated.outcome
        response = answer(Made(earlier.status or 200, earlier.result or uuid.UUID(int=0)))
        response.headers["Idempotency-Replayed"] = "true"
        return response
    return answer(made)


def sent(actor: Actor) -> repeats.Sent | None:
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    if not _KEY.fullmatch(key):
        raise BadInput(_("Idempotency-Key 应为 1 至 64 个字母、数字或符号。"))
    return repeats.Sent(actor.account_id, key, _digest(actor))


def _digest(actor: Actor) -> str:
    told = f"{request.method}\n{request.path}\n{actor.token}\n"
    return hashlib.sha256(told.encode() + request.get_data()).hexdigest()
