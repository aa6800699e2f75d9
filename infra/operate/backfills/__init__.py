"""Backfills: what they are started on, what became of them, how long they take and what they cost."""
