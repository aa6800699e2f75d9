"""Backfills: their images, their progress and outcome, their duration and cost."""
