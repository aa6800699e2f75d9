"""Names that the stack and the commands that look after it share."""
