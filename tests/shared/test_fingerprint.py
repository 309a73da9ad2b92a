"""The rows of a run are told from others by what they hold, in every process alike."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from shared.fingerprint import fingerprint
from shared.loaders import Tensors
from shared.protocol import Data
from tests.contract import ROOT

PLAIN = Data(Tensors(torch.arange(900.0).view(300, 3)), torch.arange(300))


@pytest.mark.parametrize(
    "other",
    [
        Data(Tensors(torch.arange(900.0).view(300, 3) + (torch.arange(300) == 299).view(-1, 1)), torch.arange(300)),
        Data(PLAIN.inputs, torch.arange(300).flip(0)),
        Data(PLAIN.inputs, PLAIN.targets, torch.ones(300)),
        Data(Tensors(torch.zeros(0, 3)), torch.zeros(0)),
    ],
)
def test_other_rows_have_another_fingerprint(other: Data) -> None:
    assert fingerprint(other) != fingerprint(PLAIN)


def test_same_rows_have_the_same_in_another_process() -> None:
    code = "from tests.shared.test_fingerprint import *; print(fingerprint(PLAIN))"
    said = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert said.strip() == fingerprint(PLAIN)


def test_of_many_bytes_some_rows_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = fingerprint(PLAIN)
    monkeypatch.setattr("shared.fingerprint.MOST", 400)
    assert fingerprint(PLAIN) != whole
