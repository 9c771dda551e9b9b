"""Embedding networks, one family a file."""
