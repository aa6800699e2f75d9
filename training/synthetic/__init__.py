"""Cells that a program draws."""
