"""Scores of Templates -> Decision."""
