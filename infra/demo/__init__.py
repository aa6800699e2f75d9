"""The demonstration: images are uploaded to a local cloud, and their results come back."""
