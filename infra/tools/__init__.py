"""The programs that infra runs, and helpers for all of infra."""
