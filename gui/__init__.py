"""The window of facerec: PySide6 on top of facerec's services. Knows neither torch nor training."""

from gui.bool_references import keep_booleans_alive

# Before the first signal is emitted, whichever module of this package comes first.
keep_booleans_alive()
