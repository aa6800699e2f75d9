"""Runs the commands of this package: ``python -m infra``."""

import click

from infra.commands.demo import demo
from infra.commands.local import local

if __name__ == "__main__":
    click.Group("infra", commands=[demo, local])()
