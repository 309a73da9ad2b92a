"""Ctrl-C is neither lost nor raised in the middle of what must not be cut."""

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from shared.interrupts import interrupts_wait


@pytest.fixture
def handled() -> Iterator[None]:
    """Ctrl-C raises, as in a terminal: in the background of a shell it is ignored, and so it is for what is started there."""
    earlier = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, earlier)


@pytest.mark.usefixtures("handled")
def test_ctrl_c_waits_for_the_end() -> None:
    earlier, done = signal.getsignal(signal.SIGINT), []
    with pytest.raises(KeyboardInterrupt), interrupts_wait():
        os.kill(os.getpid(), signal.SIGINT)
        done.append("all of it")
    assert done and signal.getsignal(signal.SIGINT) is earlier


def test_what_is_ignored_stays_ignored() -> None:
    earlier = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with interrupts_wait():
            os.kill(os.getpid(), signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, earlier)


def test_faults_come_through_and_other_threads_are_left_alone() -> None:
    with pytest.raises(ImportError), interrupts_wait():
        raise ImportError
    done = []

    def inside() -> None:
        with interrupts_wait():
            done.append(True)

    thread = threading.Thread(target=inside)
    thread.start()
    thread.join()
    assert done
