"""Where the packaged window starts.

facerec-app                         open the window
facerec-app --self-test PICTURE     open it, wait for the networks, write a picture of it, end
"""

import sys
import time
from pathlib import Path

STARTED = time.perf_counter()
# The networks have to be there by then, also on a slow and busy machine.
WAIT_S = 300.0


def self_test(picture: Path) -> int:
    """Open the window, write a picture of it and say how long it took; 0 when all is well."""
    from gui.app import make_application, make_window
    from gui.context import LoadState

    app = make_application([])
    window = make_window(app, {})
    window.show()
    app.processEvents()
    seconds_to_window = time.perf_counter() - STARTED
    slots = (window.context.gallery_slot, window.context.pipeline_slot)
    window.context.start_loading()
    while any(slot.state is LoadState.LOADING for slot in slots):
        app.processEvents()
        time.sleep(0.01)
        if time.perf_counter() - STARTED > WAIT_S:
            break
    seconds_to_networks = time.perf_counter() - STARTED
    for _ in range(20):
        app.processEvents()
        time.sleep(0.01)
    written = window.grab().save(str(picture))
    window.close()
    while window.isVisible():
        app.processEvents()
        time.sleep(0.01)
    states = ", ".join(f"{slot.state}{f' ({slot.error})' if slot.error else ''}" for slot in slots)
    sys.stderr.write(
        f"window after {seconds_to_window:.1f} s, networks after {seconds_to_networks:.1f} s; "
        f"gallery and networks: {states}; picture: {'written' if written else 'not written'}\n"
    )
    is_well = written and all(slot.state is LoadState.READY for slot in slots)
    return 0 if is_well else 1


def main() -> int:
    """Open the window, or try it."""
    if len(sys.argv) == 3 and sys.argv[1] == "--self-test":
        return self_test(Path(sys.argv[2]))
    from gui.app import main as open_window

    return open_window()


if __name__ == "__main__":
    sys.exit(main())
