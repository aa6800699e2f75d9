"""The commands that run cellflag on this machine and operate a deployment."""
