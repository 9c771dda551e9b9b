"""Vector search: ids and vectors -> nearest ids and Scores."""
