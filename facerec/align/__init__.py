"""Alignment: Image and landmarks -> Crop."""
