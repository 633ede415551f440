"""``flask regions load``."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from app.access import regions_seed
from app.core.db import db

regions_cli = AppGroup("regions", help="Administrative divisions.")


@regions_cli.command("load")
@click.option("--only", multiple=True, help="code prefixes; without it the whole tree")
def load(only: tuple[str, ...]) -> None:
    """Load the real divisions; a second call does nothing."""
    count = regions_seed.load(db.engine, only or (regions_seed.WHOLE,))
    click.echo(f"{count} divisions loaded")
