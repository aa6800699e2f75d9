"""Programs that infra runs, and the helpers that any of its rooms may use."""
