"""Operates a deployment on AWS or on the local cloud: its state, its failures, its results, and backfills."""
