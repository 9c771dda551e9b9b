"""Embedding: list[Crop] -> list[Embedding]."""
