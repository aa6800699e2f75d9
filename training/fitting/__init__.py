"""Fitting: networks and kernel heads learn from cells."""
