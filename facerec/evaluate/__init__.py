"""Evaluation: protocols, error rates, plots, reports."""
