"""The window of facerec: PySide6 on top of facerec's services. Knows neither torch nor training."""

from gui.singleton_references import keep_singletons_alive

# Before the first signal is emitted, whichever module of this package comes first.
keep_singletons_alive()
