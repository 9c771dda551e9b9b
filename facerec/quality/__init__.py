"""Quality: Face and Crop -> reasons to refuse."""
