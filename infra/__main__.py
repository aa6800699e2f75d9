"""Runs the commands of this package: ``python -m infra``."""

import click

from infra.commands.backfill import backfill
from infra.commands.demo import demo
from infra.commands.erase import erase
from infra.commands.local import local
from infra.commands.redrive import redrive
from infra.commands.results import results
from infra.commands.status import status

if __name__ == "__main__":
    click.Group("infra", commands=[demo, local, status, results, redrive, backfill, erase])()
