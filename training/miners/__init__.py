"""Choosing which pairs and triplets of a batch a loss looks at."""
