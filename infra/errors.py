"""The base of every error that a user of infra can cause."""
