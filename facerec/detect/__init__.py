"""Detection: Image -> list[Face]. Knows nothing of identity."""
