"""Who may call what of a generated view or API: asked once, before each of its routes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any, ClassVar

from flask import Blueprint, request
from flask_appbuilder import AppBuilder
from flask_appbuilder.hooks import get_before_request_hooks

from app.access.actor import Capability
from app.access.divisions.regions import Level
from app.access.scope import current_actor
from app.core.errors import Forbidden
from app.core.i18n import _
from app.web.crud.interface import Mask, ScopedInterface

_URLS = "_urls"  # what FAB's expose leaves on a method
_ONLY = "_before_request_only"  # what FAB's before_request leaves on a hook


class Gated:
    """FAB's routes, each behind the gate, with FAB's decorators or without. FAB puts its own hooks around
    a view so that nobody sees any more what the view takes; here they stand before it.
    """

    gated: ClassVar[bool] = True  # the builder takes no generated view that does not say so
    appbuilder: AppBuilder
    blueprint: Blueprint
    datamodel: ScopedInterface
    base_order: Any
    masked_columns: Mapping[str, Mask]
    class_permission_name: Any
    method_permission_name: Any
    include_route_methods: Any
    exclude_route_methods: Collection[str]
    #: Models without a place whose rows forms and the API may offer.
    open_models: Collection[str] = ()
    #: The level of account that may open the view, where not every one may.
    level: Level | None = None

    def routes(self) -> Iterator[str]:
        """The methods that have an address."""
        for name in dir(type(self)):
            if hasattr(getattr(type(self), name), _URLS) and self.has_route(name):
                yield name

    def has_route(self, method: str) -> bool:
        included = self.include_route_methods
        return method not in self.exclude_route_methods and (included is None or method in included)

    def usual_capabilities(self, known: dict[str, str]) -> Iterator[tuple[str, str]]:
        """Method -> capability, where the view itself says none: as ``known``, else by what it does."""
        for name in self.routes():
            exposed = getattr(type(self), name)
            said = getattr(exposed, "_permission_name", name)
            posts = any("POST" in methods for _url, methods in getattr(exposed, _URLS))
            usual = said if said in set(Capability) else ("enter" if posts else "search")
            yield name, known.get(name, usual)

    def allows(self, method: str) -> bool:
        """May the account call this method?"""
        return self.has_route(method) and self.allows_capability(
            self.method_permission_name[method]
        )

    def allows_capability(self, name: str) -> bool:
        actor = current_actor()
        if actor is None or self.level not in (None, actor.level):
            return False
        return bool(self.appbuilder.sm.has_access(f"can_{name}", self.class_permission_name))

    def mask_of(self, column: str) -> Mask | None:
        """How a column is masked that is shown. One of a related row is whole on that row's own page
        alone, which asks for its rights.
        """
        beyond = self.datamodel.mask_of(column) if "." in column else None
        return self.masked_columns.get(column) or beyond

    def orders_by(self, columns: Iterable[str]) -> list[str]:
        """Those of the columns that may order a list: among known values a masked one's place tells it, and
        of several rows none is the one to go by.

        :raises TypeError: the view's own order is by such a one.
        """
        column = (self.base_order or ("",))[0]
        if self.datamodel.is_masked(column):
            raise TypeError(
                f"{type(self).__name__}: base_order would tell {column}, which is masked"
            )
        data = self.datamodel
        return [
            c for c in columns if not data.is_masked(c) and not data.is_to_many(c.split(".")[0])
        ]

    def _gate(self) -> None:
        if not self.allows((request.endpoint or "").rpartition(".")[2]):
            raise Forbidden(_("您的账号没有这项权限。"))

    def _register_urls(self) -> None:
        self.blueprint.before_request(self._gate)
        for hook in get_before_request_hooks(self):
            self.blueprint.before_request(_asked(hook, getattr(hook, _ONLY)))
        for name in self.routes():
            method = getattr(self, name)
            for url, methods in getattr(method, _URLS):
                self.blueprint.add_url_rule(url, name, method, methods=methods)


def _asked(hook: Callable[[], Any], only: Collection[str] | None) -> Callable[[], Any]:
    def ask() -> Any:
        method = (request.endpoint or "").rpartition(".")[2]
        return hook() if only is None or method in only else None

    return ask


def given(title: Any, usual: Any) -> Any:
    """A title that the view says; a lazy one is not asked for its text before there is a language."""
    nothing = title is None or (isinstance(title, str) and not title)
    return usual if nothing else title
