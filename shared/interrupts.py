"""Ctrl-C where it would do harm: in the middle of an import it is lost or taken for a fault, of a write it costs the model."""

from __future__ import annotations

import _thread
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

AGAIN = 0.05
"""Seconds until Ctrl-C during an import is tried once more."""


def let_imports_finish() -> None:
    """From here on Ctrl-C waits while a library loads, wherever that is. Nothing changes where Python does not handle it."""

    def stop(number: int, frame: FrameType | None) -> None:
        while frame is not None and not frame.f_code.co_filename.startswith("<frozen importlib"):
            frame = frame.f_back
        if frame is None:
            raise KeyboardInterrupt
        again = threading.Timer(AGAIN, _thread.interrupt_main)
        again.daemon = True
        again.start()

    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, stop)


@contextmanager
def interrupts_wait() -> Iterator[None]:
    """Ctrl-C inside is raised at the end. Nothing changes where it is ignored, as in the background of a shell, and in a
    thread other than the first, which gets none."""
    earlier = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or earlier is signal.SIG_IGN:
        yield
        return
    pressed: list[int] = []
    signal.signal(signal.SIGINT, lambda number, frame: pressed.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, earlier)
    if pressed:
        raise KeyboardInterrupt
