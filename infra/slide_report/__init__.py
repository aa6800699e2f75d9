"""Reports on the results of a slide, a patient or a day, to print or to hand to another system."""
