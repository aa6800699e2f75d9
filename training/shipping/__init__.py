"""Shipping: a finished network becomes the model that is served, with graph, manifest and model card."""
