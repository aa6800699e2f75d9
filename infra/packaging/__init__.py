"""Builds the function's zip."""
