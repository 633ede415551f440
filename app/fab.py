"""``flask fab …``, the commands that FAB brings. Those that would write accounts or tables past our rules
refuse and name ours; the others are answered by app.admin.accounts.pages.security, which keeps the rules.
"""

from __future__ import annotations

import locale

import click
from flask.cli import with_appcontext
from flask_appbuilder.cli import fab
from flask_babel import force_locale

from app.core.i18n import _

#: FAB's command -> ours.
_INSTEAD = {
    "create-admin": "flask accounts create",
    "create-user": "flask accounts create",
    "reset-password": "flask accounts reset",
    "create-db": "flask deploy",
}
_ANYTHING = {"ignore_unknown_options": True, "allow_extra_args": True}


def commands() -> click.Group:
    """FAB's group as it is here. Flask finds FAB's own before there is a program, and makes this one when a
    command asks for it: then what was called is refused now.

    :raises ClickException: a command that is not used here asked for the program.
    """
    for name in _INSTEAD:
        fab.add_command(click.command(name, context_settings=_ANYTHING)(_refuse))
    called = click.get_current_context(silent=True)
    if called and called.parent and called.parent.command is fab and called.info_name in _INSTEAD:
        raise _refusal(called.info_name)
    return fab


@with_appcontext
def _refuse() -> None:
    """Not used here; tells the command that is."""
    raise _refusal(click.get_current_context().info_name or "")


def _refusal(name: str) -> click.ClickException:
    with force_locale(_language()):
        text = _("本系统不用这个命令：它不守账号、地区和权限的规定。请改用 %(command)s。",
                 command=_INSTEAD[name])  # fmt: skip
    return click.ClickException(text)


def _language() -> str:
    """That of the terminal."""
    return "zh" if (locale.getlocale(locale.LC_CTYPE)[0] or "").startswith("zh") else "en"
