"""Tells from labels whether the model keeps its promised error rates, and chooses thresholds that keep them."""
