"""Commands of this layer: ``flask regions load``."""

from __future__ import annotations

import time

import click
from flask.cli import AppGroup

from app.access.divisions import seed as regions_seed
from app.core.db import db

regions_cli = AppGroup("regions", help="Administrative divisions.")


@regions_cli.command("load")
@click.option("--only", multiple=True, metavar="CODE", help="code prefixes; without it the whole")
def load(only: tuple[str, ...]) -> None:
    """Load the real divisions; what was loaded before is left as it is."""
    if wrong := [code for code in only if not code.isdecimal()]:
        raise click.BadParameter(f"{', '.join(wrong)}: codes are digits", param_hint="--only")
    began = time.monotonic()
    added = regions_seed.load(db.engine, only or (regions_seed.WHOLE,))
    click.echo(f"{added} divisions loaded in {time.monotonic() - began:.1f} s")
