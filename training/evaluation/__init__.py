"""Evaluation: calibration, thresholds and figures of predictions."""
