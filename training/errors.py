"""The base of every error that a user of this package can cause."""

import click


class TrainingError(click.ClickException):
    """Something that a user can put right; its text is the one line that the command line shows.

    What is wrong, where, and what to do about it stand in the text, so no command needs to catch and translate it.
    """


class DatasetError(TrainingError):
    """Cells that cannot be trained from: none, of one class, or of unknown subjects."""
