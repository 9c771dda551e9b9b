"""Reading, drawing and streaming images: bytes, paths, cameras -> Image."""
