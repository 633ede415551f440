"""Divisions as callers name them: by their key or by their code."""

from __future__ import annotations

from typing import Any

from werkzeug.datastructures import MultiDict

from app.access.actor import Actor
from app.access.divisions import regions
from app.access.divisions.regions import within
from app.core.errors import BadInput, NotFound
from app.core.i18n import _
from app.kernel.declare.rules import Problem
from app.web.api import bodies


def with_region(args: MultiDict[str, str], actor: Actor) -> MultiDict[str, str]:
    """The parameters with the division's key, where it was named by its code.

    :raises NotFound: none in the actor's area has the code.
    """
    code = args.get("region_code")
    if code is None:
        return args
    if "region" in args or not (code.isascii() and code.isdigit() and len(code) <= 12):
        raise BadInput(
            _("region_code 应为行政区划代码，且不能与 region 同时使用。"), parameter="region_code"
        )
    region = regions.by_code(code)
    if region is None or region.structural or not within(region.path, actor.path):
        raise NotFound(_("没有找到该地区。它可能不存在，或不在您的管辖范围内。"))
    changed = args.copy()
    changed["region"] = str(region.id)
    return changed


def said(body: dict[str, Any], actor: Actor) -> int:
    """The division of a new record: its key as ``region``, or its code as ``region_code``."""
    key, code = body.get("region"), body.get("region_code")
    if type(key) is int and code is None and 0 <= key < 10**9:
        return key
    if isinstance(code, str) and key is None:
        return int(with_region(MultiDict({"region_code": code}), actor)["region"])
    text = _("请用 region（编号）或 region_code（代码）写明行政区划，只用其中一个。")
    raise bodies.invalid([Problem("/region", "region.type", text)])
