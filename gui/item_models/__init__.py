"""Lists as Qt item models, so that views of ten thousand rows draw only what is seen."""
