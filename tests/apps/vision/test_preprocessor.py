"""Whatever a person hands in is encoded without a traceback, and the state survives JSON."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from apps.vision.app import APP
from apps.vision.backbones import Backbone
from apps.vision.preprocessor import VisionPreprocessor
from apps.vision.recipe import VisionRecipe
from shared.errors import UserError
from shared.labels import Labels

RECIPE = VisionRecipe(stored_size=8)
BACKBONE = Backbone("small", 8, 1.0, (0.4,), (0.3,), True)
shapes = st.one_of(
    st.tuples(st.integers(1, 40), st.integers(1, 40)),
    st.tuples(st.integers(5, 40), st.integers(5, 40), st.sampled_from([1, 3, 4])),
)


@settings(max_examples=40, deadline=None)
@given(array=hnp.arrays(np.uint8, shapes))
def test_any_array_of_bytes_is_encoded(array: np.ndarray) -> None:
    preprocessor = VisionPreprocessor(Labels(("a", "b"), (1, 1)), BACKBONE)
    pictures, single = APP.inputs(array, RECIPE)
    (batch,) = preprocessor.encode(pictures).batch(torch.arange(1))
    assert single and batch.shape == (1, 8, 8, 3) and batch.dtype == torch.uint8


@settings(max_examples=40, deadline=None)
@given(names=st.lists(st.text(), min_size=2, max_size=5, unique=True), numbers=st.tuples(*[st.floats(0.01, 1)] * 2))
def test_state_survives_json(names: list[str], numbers: tuple[float, float]) -> None:
    backbone = Backbone("small", 8, 1.0, numbers, numbers, False)
    targets = np.array(names, dtype=object)  # as reading makes them: numpy's own strings drop trailing NULs
    fitted = VisionPreprocessor(Labels.fit(np.tile(targets, 2)), backbone)
    again = APP.restore(json.loads(json.dumps(fitted.state(), allow_nan=False)), {})
    assert again == fitted
    assert again.encode_targets(targets).tolist() == fitted.encode_targets(targets).tolist()
    assert sorted(fitted.encode_targets(targets).tolist()) == list(range(len(names)))


def test_every_form_of_a_picture_is_the_same_picture(tmp_path: object) -> None:
    array = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    picture = Image.fromarray(array)
    picture.save(f"{tmp_path}/one.png")
    forms = [array, picture, f"{tmp_path}/one.png", torch.from_numpy(array), array.transpose(2, 0, 1)]
    stores = [APP.inputs(form, RECIPE) for form in forms]
    assert all(single and (found.store[0] == array).all() for found, single in stores)
    many, single = APP.inputs(forms, RECIPE)
    assert not single and len(many) == 5 and (many.store == array).all()
    batch, single = APP.inputs(np.stack([array, array]), RECIPE)
    assert not single and len(batch) == 2


def test_binary_file_or_its_bytes_are_a_picture(tmp_path: Path) -> None:
    path = tmp_path / "one.png"
    array = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    Image.fromarray(array).save(path)
    with path.open("rb") as file:
        found, single = APP.inputs(file, RECIPE)
    assert single and (found.store[0] == array).all()
    many, single = APP.inputs([io.BytesIO(path.read_bytes()), io.BytesIO(b"no picture")], RECIPE)
    assert not single and (many.store[0] == array).all() and "picture 1" in many.errors[1]
    several, single = APP.inputs([bytearray(path.read_bytes()), b"no picture"], RECIPE)
    assert not single and (several.store[0] == array).all() and "picture 1" in several.errors[1]
    found, single = APP.inputs(path.read_bytes(), RECIPE)
    assert single and (found.store[0] == array).all()
    with path.open(encoding="utf-8") as text, pytest.raises(UserError, match="mode 'rb'"):
        APP.inputs(text, RECIPE)
    for wrong in (text, io.StringIO("closed by now, or text")):
        with pytest.raises(UserError, match="mode 'rb'"):
            APP.inputs(wrong, RECIPE)


def test_an_image_that_stands_twice_is_read_by_one_thread(tmp_path: Path) -> None:
    first, other = (np.random.default_rng(i).integers(0, 256, (900, 900, 3), dtype=np.uint8) for i in range(2))
    Image.fromarray(first).save(tmp_path / "one.png")
    image = Image.open(tmp_path / "one.png")  # not read yet
    many, _ = APP.inputs([image, Image.fromarray(other), image, image], RECIPE)
    alone, _ = APP.inputs(tmp_path / "one.png", RECIPE)
    assert not many.errors.any() and many.slots.tolist() == [0, 1, 0, 0] and (many.store[0] == alone.store[0]).all()


@pytest.mark.parametrize(
    "value", [None, 3, {"a": 1}, np.zeros((4, 4)), np.zeros((0, 3, 3), np.uint8), ["/nowhere.png"], [None], "x" * 400]
)
def test_what_is_no_picture_is_said(value: object) -> None:
    with pytest.raises(UserError):
        APP.inputs(value, RECIPE)


def test_folder_is_no_picture_and_how_its_pictures_are_asked_is_said(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"is a folder: .*predict_sources"):
        APP.inputs(tmp_path, RECIPE)


def test_broken_file_gets_an_answer_without_a_prediction(tmp_path: object) -> None:
    with open(f"{tmp_path}/broken.png", "w") as file:
        file.write("no picture")
    pictures, _ = APP.inputs([f"{tmp_path}/broken.png", Image.new("L", (8, 8))], RECIPE)
    preprocessor = VisionPreprocessor(Labels(("a", "b"), (1, 1)), BACKBONE)
    broken, whole = preprocessor.decode(torch.zeros(2, 2), pictures)
    assert broken["prediction"] is None and "error" in broken and whole["prediction"] == "a"


def test_one_form_field_is_asked_for() -> None:
    fields = VisionPreprocessor(Labels(("a", "b"), (1, 1)), BACKBONE).fields()
    assert [(field.name, field.kind) for field in fields] == [("picture", "image")]
