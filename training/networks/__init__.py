"""Networks: those that can be trained, and the pretrained ones that they build on."""
