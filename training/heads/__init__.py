"""Heads: losses with weights of their own, one vector a class."""
