"""The function's zip."""
