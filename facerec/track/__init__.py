"""Tracking: Faces over time -> tracks -> one Decision a track. Knows no files and no database."""
