"""The demonstration: cells go into a local cloud, and their results come back."""
