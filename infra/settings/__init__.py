"""What a deployment may choose, and what the shipped model allows."""
