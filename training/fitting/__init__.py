"""How a network or a kernel head learns from cells."""
