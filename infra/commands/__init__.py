"""The commands that put cellflag up on this machine and look after a deployment."""
