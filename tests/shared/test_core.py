"""The core alone, on the smallest real app."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest
import torch
from fastai.callback.core import Callback

from shared.answers import write_csv
from shared.display import Display
from shared.errors import UserError
from shared.head import LinearHead
from shared.model import load
from shared.progress import Steps
from shared.recipe import Stages, dial
from shared.run import Options, train
from tests.contract import ROOT, AppContract, StoppingDisplay
from tests.tiny import APP, TinyApp, TinyNetwork, TinyRecipe, write_rings


class TestTiny(AppContract):
    module = "tests.tiny"
    dials = {"epochs": 2, "lr": 1e-2}
    fitted_before_the_loop = "frozen body"
    unneeded = ()

    def write_source(self, folder: Path) -> Path:
        return write_rings(folder / "rings.csv")

    def one_input(self, source: Path) -> tuple[float, float]:
        return 0.1, 0.2

    def command_input(self, source: Path) -> str:
        return str(source)


@pytest.fixture
def rings(tmp_path: Path) -> Path:
    return write_rings(tmp_path / "rings.csv")


def test_head_alone_converges_without_epochs(rings: Path) -> None:
    model = train(APP, rings, TinyRecipe.make({"epochs": 0}))
    assert model.facts.chosen == "frozen body" and model.facts.metrics["accuracy"] > 0.95


def test_head_can_be_trained_by_epochs(rings: Path) -> None:
    model = train(APP, rings, TinyRecipe.make({"epochs": 0, "frozen_epochs": 20, "lr": 0.1}))
    assert model.facts.chosen == "frozen body" and model.facts.metrics["accuracy"] > 0.9


def test_precision_is_what_pays_where_the_model_answers(
    rings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.precision.bfloat16_ratio", lambda device: 4.0)
    chosen, forced = (TinyRecipe.make({"epochs": 0, "precision": precision}) for precision in ("auto", "bf16"))
    trained = train(APP, rings, chosen, Options(out=tmp_path / "auto"))
    train(APP, rings, forced, Options(out=tmp_path / "bf16"))
    assert trained.predictor.precision == "bf16"
    monkeypatch.setattr("shared.precision.bfloat16_ratio", lambda device: 0.01)
    assert load(APP, tmp_path / "auto").predictor.precision == "fp32"
    assert load(APP, tmp_path / "bf16").predictor.precision == "bf16"


def test_frozen_stage_can_be_left_out(rings: Path) -> None:
    model = train(APP, rings, TinyRecipe.make({"epochs": 1, "frozen_epochs": 0}))
    assert [entry["stage"] for entry in model.facts.journal] == ["train"]


@pytest.mark.parametrize("dials", [{"ema": 0.9}, {"accumulate": 2}, {"precision": "bf16"}, {"weight_decay": 1.0}])
def test_dial_changes_the_outcome(rings: Path, dials: dict[str, float]) -> None:
    plain = {"epochs": 3, "frozen_epochs": 0, "lr": 0.05, "patience": 0, "precision": "fp32"}
    outcomes = [train(APP, rings, TinyRecipe.make(plain | more)).facts.metrics["log_loss"] for more in ({}, dials)]
    assert outcomes[0] != outcomes[1]


def test_patience_stops_early(rings: Path) -> None:
    model = train(APP, rings, TinyRecipe.make({"epochs": 30, "patience": 2, "lr": 1e-9}))
    assert sum(entry["stage"] == "train" for entry in model.facts.journal) == 2


def test_without_validation_the_last_weights_are_kept(rings: Path) -> None:
    model = train(APP, rings, TinyRecipe.make({"epochs": 2}), Options(valid="none", test=rings))
    assert model.facts.rows["valid"] == 0 and model.facts.chosen == "train epoch 2"


def test_diverging_run_is_the_users_fault_and_says_so(rings: Path) -> None:
    with pytest.raises(UserError, match="lower --lr"):
        train(APP, rings, TinyRecipe.make({"epochs": 3, "lr": 1e30}))


def test_unseen_label_comes_with_its_file(rings: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    other.write_text("x,y,label\n0,0,in\n0,0,between\n")
    with pytest.raises(UserError, match=r"other\.csv, test rows: .*'between' \(labelled row 2\)"):
        train(APP, rings, TinyRecipe.make({"epochs": 0}), Options(test=other))
    with pytest.raises(UserError, match=r"other\.csv: .*'between'"):
        train(APP, rings, TinyRecipe.make({"epochs": 0})).evaluate(other)


def test_resume_without_a_run_is_said(rings: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nothing to resume"):
        train(APP, rings, TinyRecipe.make({}), Options(out=tmp_path / "out", resume=True))


def test_resume_with_other_inputs_is_refused(rings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.checkpoint.SECONDS", 0.0)
    recipe, out = TinyRecipe.make({"epochs": 3, "frozen_epochs": 0, "patience": 0}), tmp_path / "out"
    train(APP, rings, recipe, Options(out=out, display=StoppingDisplay(2)))
    kept, table = rings.read_text(), pd.read_csv(rings)
    table.assign(x=-table["x"]).to_csv(rings, index=False)
    with pytest.raises(UserError, match="other data or dials"):
        train(APP, rings, recipe, Options(out=out, resume=True))
    rings.write_text(kept)
    assert train(APP, rings, recipe, Options(out=out, resume=True)).facts.chosen


def test_run_without_the_loop_never_loads_fastai(rings: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from shared.run import train; from tests.tiny import APP, TinyRecipe\n"
    )
    code += "train(APP, Path(sys.argv[1]), TinyRecipe.make({'epochs': 0})); assert 'fastai' not in sys.modules"
    subprocess.run([sys.executable, "-c", code, str(rings)], cwd=ROOT, check=True)


class Biased(torch.nn.Module):
    """Answers the first class whatever its body and head say: not a BodyHead."""

    def __init__(self, inner: TinyNetwork) -> None:
        super().__init__()
        self.body, self.head = inner.body, inner.head

    def forward(self, points: torch.Tensor) -> torch.Tensor:
        answer = self.head(self.body(points))
        return answer + 1000 * (torch.arange(answer.shape[1], device=answer.device) == 0)


def test_frozen_stage_is_judged_by_the_whole_network(rings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = type(APP).model
    monkeypatch.setattr(type(APP), "model", lambda *given, **named: Biased(plain(*given, **named)))
    model = train(APP, rings, TinyRecipe.make({"epochs": 0}))
    assert model.facts.journal[0]["accuracy"] == model.facts.valid["accuracy"] < 0.9


def test_rates_fall_in_a_straight_line_where_there_is_no_warm_up(rings: Path) -> None:
    class Straight(TinyApp):
        def callbacks(self, recipe: Any) -> list[Any]:
            return [Spy()]

        def steps(self, recipe: Any) -> Steps:
            return Steps(momentum=(0.5, 0.5, 0.5), warm_up=0)

    class Spy(Callback):
        rates: ClassVar[list[float]] = []

        def after_batch(self) -> None:
            if self.training:
                self.rates.append(float(self.opt.hypers[-1]["lr"]))
                assert self.opt.hypers[-1]["mom"] == 0.5

    train(Straight(), rings, TinyRecipe.make({"epochs": 2, "frozen_epochs": 0, "lr": 0.1}))
    steps = len(Spy.rates)
    assert np.allclose(Spy.rates, 0.1 * (1 - np.arange(steps) / steps))


def test_fine_tuning_sees_so_many_rows_and_the_head_all(rings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    @dataclass(frozen=True)
    class Few(TinyRecipe):
        tune_rows: int = dial(None, "rows", least=1)

        def stages(self) -> Stages:
            return Stages(tune_rows=self.tune_rows)

    class Counting(TinyApp):
        recipe = Few
        seen: ClassVar[list[int]] = []

        def callbacks(self, recipe: Any) -> list[Any]:
            return [Count()]

    class Count(Callback):
        def after_batch(self) -> None:
            Counting.seen += [len(self.yb[0])] if self.training else []

    fitted: list[int] = []
    fit = LinearHead.fit
    monkeypatch.setattr(
        LinearHead, "fit", lambda head, rows, *more: fitted.append(len(rows[1])) or fit(head, rows, *more)
    )
    model = train(Counting(), rings, Few.make({"epochs": 2, "tune_rows": 30}))
    assert sum(Counting.seen) == 60 and fitted == [model.facts.rows["train"]] and fitted[0] > 30


def test_input_that_the_system_refuses_is_named(rings: Path, tmp_path: Path) -> None:
    class Refused(TinyApp):
        def read_inputs(self, sources: Sequence[str], recipe: Any) -> Iterator[Any]:
            yield from super().read_inputs(sources[:1], recipe)
            raise OSError(36, "File name too long", sources[1])

    model = train(Refused(), rings, TinyRecipe.make({"epochs": 0}))
    answers = model.predict_sources([str(rings), "long.csv"])
    assert next(answers)["input"] == f"{rings}:0"
    with pytest.raises(UserError, match=r"long\.csv cannot be read \(File name too long\)"):
        write_csv(answers, tmp_path / "answers.csv")  # nor is the place of the answers blamed for it
    assert not (tmp_path / "answers.csv").exists()


def test_ctrl_c_before_a_resumed_run_is_where_it_was_keeps_what_is_there(rings: Path, tmp_path: Path) -> None:
    class StopsAgain(Display):
        def say(self, sentence: str) -> None:
            if sentence.startswith("frozen body"):
                raise KeyboardInterrupt

    recipe, out = TinyRecipe.make({"epochs": 3, "patience": 0, "lr": 0.05}), tmp_path / "out"
    train(APP, rings, recipe, Options(out=out, display=StoppingDisplay(2)))
    before = {entry.name: entry.read_bytes() for entry in out.iterdir()}
    with pytest.raises(KeyboardInterrupt):
        train(APP, rings, recipe, Options(out=out, resume=True, display=StopsAgain(quiet=True)))
    assert "checkpoint.pt" in before and {entry.name: entry.read_bytes() for entry in out.iterdir()} == before


def test_a_run_that_had_stopped_early_is_not_trained_on(
    rings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Settling(TinyApp):
        def settle(self, network: Any, preprocessor: Any, train: Any, valid: Any, recipe: Any) -> str:
            raise KeyboardInterrupt

    monkeypatch.setattr("shared.checkpoint.SECONDS", 0.0)
    recipe, out = TinyRecipe.make({"epochs": 9, "patience": 1, "lr": 1e-9}), tmp_path / "out"
    stopped = train(Settling(), rings, recipe, Options(out=out)).facts
    resumed = train(APP, rings, recipe, Options(out=out, resume=True)).facts
    assert stopped.interrupted and not resumed.interrupted
    assert resumed.journal == stopped.journal and len(resumed.journal) < 9


def test_what_nothing_was_learnt_for_is_called_untrained(rings: Path, tmp_path: Path) -> None:
    recipe, earlier = TinyRecipe.make({"epochs": 0, "frozen_epochs": 0}), tmp_path / "earlier"
    assert train(APP, rings, recipe).facts.chosen == "untrained"
    train(APP, rings, TinyRecipe.make({"epochs": 0}), Options(out=earlier))
    begun = train(APP, rings, recipe, Options(start_from=earlier)).facts
    assert begun.chosen == f"{earlier}, not trained on" and begun.metrics["accuracy"] > 0.9


def test_ctrl_c_while_the_chosen_weights_are_settled_keeps_them_as_they_were(rings: Path) -> None:
    class Settling(TinyApp):
        def settle(self, network: Any, preprocessor: Any, train: Any, valid: Any, recipe: Any) -> str:
            torch.nn.init.zeros_(network.head.linear.weight)
            raise KeyboardInterrupt

    facts = train(Settling(), rings, TinyRecipe.make({"epochs": 0})).facts
    assert facts.interrupted and facts.chosen == "frozen body" and facts.metrics["accuracy"] > 0.95
    with pytest.raises(KeyboardInterrupt):  # nothing was learnt
        train(Settling(), rings, TinyRecipe.make({"epochs": 0, "frozen_epochs": 0}))
