"""The CloudFormation stack."""
