"""Training: recipe -> data -> net -> loss -> loop -> checkpoint -> evaluation -> export."""
