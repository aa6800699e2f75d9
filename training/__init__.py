"""Makes a model: from a folder of labelled cells to the three files that the function serves."""
