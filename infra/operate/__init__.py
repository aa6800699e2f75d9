"""Looks after a deployment on AWS or the local cloud: how it stands, what failed, what it found, what lies there."""
