"""What a user of the training commands can put right."""


class TrainingError(Exception):
    """Something is wrong with what the user gave; the message says what, where, and what to do, in one line."""


class DatasetError(TrainingError):
    """Labelled cells that no model can be trained from."""
