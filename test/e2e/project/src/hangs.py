"""Never ends by itself."""

import threading

print("hanging", flush=True)
threading.Event().wait()
