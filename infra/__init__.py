"""Deploys and operates cellflag: on AWS with the CDK, and on this machine with the same stack."""
