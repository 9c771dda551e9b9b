"""Matching: Scores -> Decision."""
