"""A cloud on this machine: the emulator, its surroundings, and the stack that is deployed to it."""
