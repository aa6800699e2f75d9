"""Whole runs, from labelled cells to a model."""
