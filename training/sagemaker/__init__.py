"""Training as a job on Amazon SageMaker: what runs in its container, and what starts and follows it from outside."""
