"""Ctrl-C is neither lost nor raised in the middle of what must not be cut."""

import os
import signal
import sys
import threading
import time
from importlib import import_module
from pathlib import Path

import pytest

from shared.interrupts import interrupts_wait, let_imports_finish


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


@pytest.mark.usefixtures("handled")
def test_ctrl_c_waits_for_the_end_of_an_import(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = "import os, signal, time\nos.kill(os.getpid(), signal.SIGINT)\ntime.sleep(0.12)\ndone = True\n"
    (tmp_path / "slow_library.py").write_text(lines)
    monkeypatch.syspath_prepend(tmp_path)
    let_imports_finish()
    with pytest.raises(KeyboardInterrupt):
        import_module("slow_library")
        time.sleep(5)
    assert sys.modules["slow_library"].done


def test_where_ctrl_c_is_ignored_imports_change_nothing() -> None:
    earlier = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        let_imports_finish()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, earlier)
