"""The window of facerec: PySide6 on top of facerec's services. Knows neither torch nor training."""
