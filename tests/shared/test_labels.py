"""Labels that may be slips of the pen are told, and nothing is done to them."""

from pathlib import Path

import numpy as np
import pytest
import torch

from shared.display import Display
from shared.errors import UserError
from shared.labels import Labels, doubts
from shared.run import Options, train
from shared.several import LabelSets
from tests.tiny import APP, TinyRecipe, write_rings


@pytest.mark.parametrize(
    ("names", "counts", "said"),
    [
        (("neg", "pos"), (2, 2), []),
        (("POS", "neg", "pos "), (2, 2, 2), ["taken for different ones: 'POS' and 'pos '"]),
        (("1", "01", "2", "1.0"), (2, 2, 2, 2), ["taken for different ones: '1' and '01' and '1.0'"]),
        (("a", "b", "c"), (1, 2, 1), ["2 labels have one training row alone; give more, or leave them out: 'a', 'c'"]),
        (("a", "b"), (1, 2), ["1 label has one training row alone"]),
    ],
)
def test_labels_written_alike_or_seen_once_are_told(
    names: tuple[str, ...], counts: tuple[int, ...], said: list[str]
) -> None:
    told = doubts(names, counts)
    assert len(told) == len(said) and all(part in note for part, note in zip(said, told, strict=True))


def test_a_run_tells_them_and_notes_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rings = write_rings(tmp_path / "rings.csv")
    rings.write_text(rings.read_text() + "0.5,0.5,IN\n" * 10)
    model = train(APP, rings, TinyRecipe.make({"epochs": 0}), Options(display=Display()))
    told = "labels that are written almost alike are taken for different ones: 'IN' and 'in'"
    assert told in capsys.readouterr().err and told in model.facts.notes
    assert set(model.predict((0.1, 0.2))["probabilities"]) == {"IN", "in", "out"}


def test_a_whole_number_is_the_same_label_with_and_without_a_point() -> None:
    for known, asked in ((["1", "2"], ["1.0", "2"]), (["1.0", "2.0"], ["1", "2.0"]), (["1", "2.5"], ["1.0", "2.5"])):
        assert Labels.fit(np.array(known, object)).encode(np.array(asked, object)).tolist() == [0, 1]
    both = Labels.fit(np.array(["1", "1.0"], object))
    assert both.encode(np.array(["1.0", "1"], object)).tolist() == [both.names.index("1.0"), both.names.index("1")]
    with pytest.raises(UserError, match="'01' "):
        both.encode(np.array(["01"], object))


def test_accents_may_be_written_apart_in_the_names_of_an_earlier_model() -> None:
    names, composed = ("cafe\u0301", "tea"), "caf\u00e9"
    assert Labels(names, (1, 1)).encode(np.array([composed, names[0], "tea"])).tolist() == [0, 0, 1]
    assert Labels((*names, composed), (1, 1, 1)).encode(np.array([composed, names[0]])).tolist() == [2, 0]
    sets = LabelSets(names, (1, 1), 2, ";")
    assert sets.encode(np.array([f"tea; {composed}", names[0]], object)).tolist() == [[1, 1], [1, 0]]


def test_small_probabilities_keep_their_digits() -> None:
    """A log loss or an order computed from the answers is that of the model, also where a class is rare."""
    small = torch.tensor([[1.0 - 2.34567e-9, 2.34567e-9]])
    for labels in (Labels(("a", "b"), (1, 1)), LabelSets(("a", "b"), (1, 1), 1, ";")):
        assert labels.answers(small)[0]["probabilities"]["b"] == pytest.approx(2.34567e-9, rel=1e-5)
