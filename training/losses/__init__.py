"""Losses, each from its paper."""
