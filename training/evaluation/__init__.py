"""How good predictions are, and which thresholds they allow."""
