"""What the routes of a register ask for, where FAB reads it (``flask fab list-views``).

A route says it beside its address: ``@permission_name(Capability.ENTER)`` of FAB, or :func:`one_of` where it
depends on what the address names. The actions ask the policy themselves; that both say the same is
a contract (tests/contracts/test_routes.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from app.access import policy
from app.access.actor import Capability
from app.kernel.declare.register import Register

#: Route -> the capabilities of which it asks for one, in the register.
Needs = dict[str, tuple[Capability, ...]]
_Route = TypeVar("_Route", bound=Callable[..., Any])
_READS = Capability.SEARCH
_ONE_OF = "one_of"
_ONE = "_permission_name"  # what FAB's permission_name leaves on a method


def one_of(known: Callable[[Register], Iterable[Capability]]) -> Callable[[_Route], _Route]:
    """The route asks for one of these, by what its address names."""

    def declare(route: _Route) -> _Route:
        setattr(route, _ONE_OF, known)
        return route

    return declare


def of_menus(register: Register) -> Iterator[Capability]:
    """To open a list: what its menu entry is for."""
    return (menu.capability for menu in register.menus)


def of_steps(register: Register) -> Iterator[Capability]:
    """To move a record on: what the step is for."""
    return (step.capability for step in register.flow.transitions) if register.flow else iter(())


def of_reviews(register: Register) -> Iterator[Capability]:
    """To decide: that review which the account does."""
    return (review.capability for review in register.flow.reviews) if register.flow else iter(())


def needs(view: type, routes: Iterable[str], register: Register) -> Needs:
    """What these routes of the class ask for.

    :raises AttributeError: one of them does not say it.
    """
    return {name: _needs(getattr(view, name), register) for name in routes}


def _needs(route: Callable[..., Any], register: Register) -> tuple[Capability, ...]:
    known = getattr(route, _ONE_OF, None)
    if known is None:
        return (Capability(getattr(route, _ONE)),)
    return tuple(dict.fromkeys(known(register)))


def permissions(needed: Needs) -> dict[str, Any]:
    """The attributes of a view or an API by which FAB knows its permissions. It knows one a method:
    of several to read, where that does.
    """
    held = {capability for one in needed.values() for capability in one}
    first = {name: _READS if _READS in one else one[0] for name, one in needed.items() if one}
    return {
        "method_permission_name": {name: one.value for name, one in first.items()},
        "base_permissions": sorted(f"{policy.PREFIX}{capability.value}" for capability in held),
    }
