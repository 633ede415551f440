"""What ``add_view`` and ``add_link`` of Flask-AppBuilder put into the menu, as the frame shows it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import current_app

#: Font Awesome's names, as FAB's documentation uses them -> Tabler's. ui.icon("tool") ui.icon("building")
_ICONS = {
    "fa-users": "users", "fa-user": "users", "fa-group": "users", "fa-wrench": "tool",
    "fa-cogs": "settings", "fa-cog": "settings", "fa-lock": "key", "fa-key": "key",
    "fa-file": "file-text", "fa-file-text": "file-text", "fa-table": "file-spreadsheet",
    "fa-building": "building", "fa-home": "home", "fa-folder": "folder", "fa-folder-open": "folder",
    "fa-upload": "upload", "fa-download": "download", "fa-print": "printer",
}  # fmt: skip
_ANY = "folder"
_LINE = "-"  # FAB's name of a separator


def icon(name: str | None) -> str:
    """The icon of ours for one of Font Awesome."""
    return _ICONS.get(name or "", _ANY)


def entries(category: str | None = None) -> Iterator[tuple[Any, list[Any]]]:
    """(what heads the group, its entries that the account may open); those of a category alone, where
    one is named.
    """
    for head in current_app.extensions["appbuilder"].menu.get_list():
        if category is not None and head.name != category:
            continue
        found = [one for one in head.childs or [head] if _opens(one)]
        if found:
            yield head, found


def _opens(entry: Any) -> bool:
    if entry.name == _LINE or not entry.should_render():
        return False
    view = entry.baseview
    if view is None:
        return bool(entry.get_url())
    if hasattr(view, "allows"):
        return bool(view.allows(view.default_view))
    needed = f"can_{view.get_method_permission(view.default_view)}"
    manager = current_app.extensions["appbuilder"].sm
    return bool(manager.has_access(needed, view.class_permission_name))
