"""What a model says of its answers agrees with what the texts were made of."""

from __future__ import annotations

from pathlib import Path

import pytest

from apps.text import mark, telling_words, top_losses
from apps.text.app import APP
from shared.model import Model
from shared.run import train
from tests.apps.text.writing import BAD, GOOD, sentences, write_csv


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    source = write_csv(tmp_path_factory.mktemp("source") / "a.csv", 300)
    return train(APP, source, APP.recipe.make({"weights": "none"}))


def test_the_telling_words_of_a_class_are_found(model: Model) -> None:
    found = telling_words(model, sentences(300)[0], 5)
    assert {word for word, _ in found["good"]} == set(GOOD) and {word for word, _ in found["bad"]} == set(BAD)
    strengths = [value for _, value in found["good"]]
    assert strengths == sorted(strengths, reverse=True)
    assert telling_words(model, []) == {"good": [], "bad": []}


@pytest.mark.parametrize(("good", "bad"), [("अच्छी", "बहुत"), ("ดี", "แย่"), ("😍", "👎")])
def test_telling_words_are_whole_in_every_script(good: str, bad: str, tmp_path: Path) -> None:
    lines = [f"{(good, bad)[i % 2]} {'abcdefg'[i % 7]},{('good', 'bad')[i % 2]}" for i in range(60)]
    (tmp_path / "a.csv").write_text("\n".join(["text,label", *lines]), encoding="utf-8")
    model = train(APP, tmp_path / "a.csv", APP.recipe.make({"weights": "none"}))
    found = telling_words(model, lines, 1)
    assert [found["good"][0][0], found["bad"][0][0]] == [good, bad]
    assert "".join(piece for piece, _ in mark(model, good * 3)["marks"]) == good * 3


@pytest.mark.parametrize("text", ["the film was a lovely story", "房间很大 lovely"])
def test_the_telling_word_of_a_text_is_marked(model: Model, text: str) -> None:
    found = mark(model, text)
    assert found["prediction"] == "good" and "".join(part for part, _ in found["marks"]) == text
    assert max(found["marks"], key=lambda pair: pair[1])[0].strip() == "lovely"


@pytest.mark.parametrize("text", ["", "word " * 1000])
def test_any_text_is_marked_in_a_bounded_number_of_pieces(model: Model, text: str) -> None:
    found = mark(model, text, pieces=20)
    assert len(found["marks"]) <= 20 and "".join(part for part, _ in found["marks"]) == text.rstrip()


def test_the_worst_answers_come_first(model: Model, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text,label\na lovely day,good\na lovely day,bad\na dull day,bad\n")
    worst = top_losses(model, tmp_path / "a.csv", 2)
    assert (worst[0]["text"], worst[0]["label"], worst[0]["prediction"]) == ("a lovely day", "bad", "good")
    assert len(worst) == 2 and worst[0]["loss"] > 1 > worst[1]["loss"]
