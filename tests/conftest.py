"""Settings of all tests."""

from hypothesis import settings

# Machines are shared, so the time of an example has no meaning.
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")
