"""The window of facerec: PySide6 on top of facerec's services. Knows neither torch nor training."""

from gui.immortal import keep_alive

# Before anything of PySide6 is used.
keep_alive()
