"""The networks that can be trained, and the pretrained ones that they build on."""
