"""The base of every error that a user of this package can cause."""

import click


class TrainingError(click.ClickException):
    """An error that a user can put right; its text is the one line that the command line shows.

    The text states what is wrong, where, and what to do, so no command needs to catch and translate it.
    """


class DatasetError(TrainingError):
    """Cells that cannot be trained from: none, of one class, or of unknown subjects."""


class JobError(TrainingError):
    """A training job in the cloud that cannot start, or that brought no model."""
