"""The commands of ``cellflag train``, one module each, named as the command."""
