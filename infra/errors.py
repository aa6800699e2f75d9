"""The base of every error that a user of this package can cause."""

import click


class InfraError(click.ClickException):
    """An error that a user can put right.

    The command line shows its message as one line, so the message says what is wrong, where, and what to do.
    """
