"""The table holds what was promised, and no checksum that the installed libraries do not state."""

from __future__ import annotations

import ast
import importlib.util
from pathlib import Path

import pytest

from data import prepare
from data.registry import CARDS, PUBLISHED, Card
from data.registry import EMBEDDED_CARDS as EMBEDDED

PROMISED = (
    "ml-100k ml-1m adult imdb ag-news sst-2 oxford-pets imagenette-160 cifar-10 "
    "adult_sample imdb_sample movie_lens_sample mnist_tiny"
)
ARCHIVES = [archive for card in PUBLISHED for archive in card.archives]


def source_of(library: str, file: str) -> str:
    spec = importlib.util.find_spec(library)
    if spec is None or spec.origin is None:
        pytest.skip(f"{library} is not installed")
    return (Path(spec.origin).parent / file).read_text()


def test_every_promised_set_is_there_once() -> None:
    assert {card.name for card in PUBLISHED} == set(PROMISED.split())
    assert len(CARDS) == len(PUBLISHED) + len(EMBEDDED)


@pytest.mark.parametrize("card", CARDS.values(), ids=lambda card: card.name)
def test_a_card_says_all_that_a_reader_needs(card: Card) -> None:
    assert card.app in ("vision", "text", "tabular", "collab")
    assert card.title and card.licence and card.what
    assert card.prepare in prepare._STEPS
    assert all(archive.address.startswith("https://") for archive in card.archives)


def test_fastai_states_what_is_said_in_its_name() -> None:
    source = source_of("fastai", "data/download_checks.py")
    stated = ast.literal_eval(source[source.index("{") :])
    ours = [archive for archive in ARCHIVES if archive.checksum and "fastai" in archive.checksum.source]
    assert len(ours) == 7
    for archive in ours:
        assert archive.checksum and stated[archive.address] == (archive.bytes, archive.checksum.value)


def test_torchvision_states_what_is_said_in_its_name() -> None:
    source = source_of("torchvision", "datasets/oxford_iiit_pet.py")
    ours = [archive for archive in ARCHIVES if archive.checksum and "torchvision" in archive.checksum.source]
    assert len(ours) == 2
    for archive in ours:
        assert archive.checksum and f'"{archive.address}", "{archive.checksum.value}"' in source
