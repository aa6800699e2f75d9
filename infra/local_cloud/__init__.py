"""A cloud on this machine: an emulator of AWS, isolated from the user's own settings, and the stack deployed to it."""
