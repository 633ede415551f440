"""The lists on which households may stand, each declared by the module that keeps it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class HouseList:
    """A list on which households may stand; registers follow it by its name."""

    name: str  #: the household's yes/no field that says it stands on it
    title: str  # what people call it
    order: int  #: among the lists
    issued: bool = False  #: lists that the ministry issues (名单下发) put households onto this one
    of_persons: bool = False  #: an ID number stands on it once, a member's as well as a head's
    #: who splits off stands on it too, whichever register says so; else only by one that follows it
    shared: bool = False


_LISTS: dict[str, HouseList] = {}


def declare_list(made: HouseList) -> HouseList:
    """Declare a list. :raises ValueError: there is one of that name."""
    if made.name in _LISTS:
        raise ValueError(f"two lists of one name: {made.name}")
    _LISTS[made.name] = made
    return made


def house_lists() -> tuple[HouseList, ...]:
    """All lists, in their order."""
    return tuple(sorted(_LISTS.values(), key=lambda one: (one.order, one.name)))


def list_names() -> tuple[str, ...]:
    """The household's fields that say on which lists it stands."""
    return tuple(one.name for one in house_lists())


def issued_list() -> HouseList | None:
    """The list onto which issued households come, if a module keeps one."""
    return next((one for one in house_lists() if one.issued), None)
