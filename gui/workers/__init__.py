"""Slow work: one queue with one thread per resource, and jobs that report to the GUI thread."""
