"""The n-gram expert: a linear model of hashed n-grams with NB-weighted features, fitted to convergence.

Wang & Manning 2012, "Baselines and Bigrams", https://aclanthology.org/P12-2018: each feature is scaled by how much
more often it occurs in a class than outside it. Logistic loss, as in fastai's NB-SVM lesson; the penalty pulls towards
the weights of naive Bayes, not towards 0.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from apps.text.lbfgs import LBFGS
from apps.text.ragged import Ragged
from apps.text.several import balance, loss_of, shares

STRENGTHS = (0.2, 0.05)
"""L2 penalties over the number of rows. The first was chosen on held-out rows of SST-2, TREC, BANKING77 and Chinese
reviews and serves where few rows validate; long texts want less (IMDb: log loss .204 against .218)."""

STEPS = 60

FLOOR = 0.5
"""Features that tell nothing by themselves may still be used: the interpolation of NB-SVM."""

MANY = 10_000_000
"""Multiplications of a sparse product that are worth further threads: 10 to 20 ms of one."""

NAIVE, RARE = 0.2, 0.3
"""The share of naive Bayes' weights that the penalty pulls towards, and what is added to its counts: an n-gram too rare to
be learnt tells something all the same (docs/experiments/text.md). Where it tells nothing, in random words, no share is better."""


class GramExpert(nn.Module):
    """Logits, shape (rows, classes), of texts given as feature positions in one run and where each text begins."""

    def __init__(self, features: int, classes: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(max(features, 1), classes))
        self.bias = nn.Parameter(torch.zeros(classes))
        self.strength, self.naive = STRENGTHS[0], NAIVE

    def forward(self, positions: Tensor, starts: Tensor) -> Tensor:
        counts = torch.diff(starts, append=starts.new_tensor([len(positions)])).clamp_min(1)
        summed = F.embedding_bag(positions, self.weight.float(), starts, mode="sum")
        return summed / counts.sqrt()[:, None] + self.bias

    def fit(self, grams: Ragged, targets: Tensor, balanced: bool = False) -> None:
        """Fits weight and bias to rows of feature positions at `self.strength` and the share `self.naive`; `balanced`: so that
        classes count alike."""
        problem = self._problem(grams, targets, balanced)
        self._take(*problem.solve(self.strength / len(targets), self.naive))

    def tune(self, grams: Ragged, targets: Tensor, balanced: bool, loss: Callable[[], float]) -> None:
        """Takes no share of naive Bayes, then the other strength, each with its solution, where that has less `loss`."""
        problem = self._problem(grams, targets, balanced)
        best = self._try(problem, self.strength, 0.0, loss, loss())
        self._try(problem, STRENGTHS[1], self.naive, loss, best)

    def _problem(self, grams: Ragged, targets: Tensor, balanced: bool) -> Problem:
        features, classes = self.weight.shape
        weights = balance(targets, classes) if balanced else None
        return Problem(_matrix(grams, features), targets, classes, weights)

    def _try(self, problem: Problem, strength: float, naive: float, loss: Callable[[], float], best: float) -> float:
        """The lower of `best` and what these dials reach, which are then kept."""
        before = self.weight.detach().clone(), self.bias.detach().clone()
        self._take(*problem.solve(strength / len(problem.targets), naive))
        if (reached := loss()) < best:
            self.strength, self.naive = strength, naive
            return reached
        self._take(*before)
        return best

    def _take(self, weight: Tensor, bias: Tensor) -> None:
        with torch.no_grad():
            self.weight.copy_(weight)
            self.bias.copy_(bias)


def _matrix(grams: Ragged, features: int) -> Any:
    """1 where a row has a feature, as scipy's sparse matrix."""
    from scipy import sparse

    ones = np.ones(len(grams.values), np.float32)
    return sparse.csr_array((ones, grams.values, grams.offsets), shape=(len(grams), features))


class Rows:
    """A sparse matrix to multiply by. Where there is much to do its rows are shared out among as many threads as torch may
    use: scipy uses one."""

    def __init__(self, matrix: Any) -> None:
        from scipy import sparse

        starts, threads = matrix.indptr, torch.get_num_threads()
        edges = np.searchsorted(starts, np.linspace(0, starts[-1], threads + 1)[1:-1])
        self.whole, self.parts = matrix, []
        for first, last in pairwise([0, *edges.tolist(), matrix.shape[0]]):
            within = slice(starts[first], starts[last])  # views: the matrix may fill much of the memory
            own = matrix.data[within], matrix.indices[within], starts[first : last + 1] - starts[first]
            self.parts.append(sparse.csr_array(own, shape=(last - first, matrix.shape[1])))

    def __matmul__(self, columns: np.ndarray) -> np.ndarray:
        if self.whole.nnz * columns.shape[1] < MANY:
            return np.asarray(self.whole @ columns)
        with ThreadPoolExecutor(len(self.parts)) as threads:
            return np.concatenate(list(threads.map(lambda part: part @ columns, self.parts)))


class Problem:
    """min over (v, b) of loss(unit rows of matrix @ (naive * bayes + ratios * v) + b, targets) + strength / 2 * |v|^2.

    The rows' lengths are kept apart, so that both ways of the matrix share their ones. Of two classes one's weights are
    the other's with the opposite sign: half of the work and of the memory.
    """

    def __init__(self, matrix: Any, targets: Tensor, classes: int, weights: Tensor | None) -> None:
        self.weights = weights
        transposed = matrix.T.tocsr()
        transposed.data = matrix.data
        self.matrix, self.transposed, self.targets = Rows(matrix), Rows(transposed), targets
        counts = np.maximum(np.diff(matrix.indptr), 1).astype(np.float32)
        self.scale = (1 / np.sqrt(counts))[:, None]
        inside = shares(targets, classes)
        found = torch.from_numpy(self.transposed @ inside.numpy())
        self.ratios, self.bayes = _ratios(found, inside.sum(0)), _bayes(found)
        self.opposite = classes == 2 and not targets.is_floating_point()
        if self.opposite:
            self.ratios, self.bayes = self.ratios[:, 1:].clone(), self.bayes[:, 1:].clone()

    def solve(self, strength: float, naive: float) -> tuple[Tensor, Tensor]:
        """(weight, bias), by L-BFGS from v = 0; `naive`: the share of naive Bayes."""
        scaled, bias = torch.zeros_like(self.ratios), torch.zeros(self.ratios.shape[1] + self.opposite)
        penalty, prior = strength * (1 + self.opposite), naive * self.bayes
        optimizer = LBFGS([scaled, bias], max_iter=STEPS, history_size=6, line_search_fn="strong_wolfe")

        def closure() -> float:
            with torch.no_grad():
                weight = (prior + self.ratios * scaled).numpy()
                logits = self._all(torch.from_numpy(self.scale * (self.matrix @ weight))) + bias
            logits.requires_grad_()
            with torch.enable_grad():
                loss = loss_of(logits, self.targets, weights=self.weights)
                loss.backward()
            assert logits.grad is not None
            bias.grad, slope = logits.grad.sum(0), logits.grad.numpy()
            slope = slope[:, 1:] - slope[:, :1] if self.opposite else slope
            gradient = torch.from_numpy(self.transposed @ (self.scale * slope))
            scaled.grad = gradient.mul_(self.ratios).add_(scaled.detach(), alpha=penalty)
            return loss.item() + penalty / 2 * scaled.detach().square().sum().item()

        optimizer.step(closure)
        return self._all(prior + self.ratios * scaled.detach()), bias.detach()

    def _all(self, columns: Tensor) -> Tensor:
        """Of both classes, where one column stands for two."""
        return torch.cat([-columns, columns], 1) if self.opposite else columns


def _ratios(found: Tensor, rows: Tensor) -> Tensor:
    """How much more often a feature stands in a class than outside it: |log ratio|, shape (features, classes); of `found`,
    how many rows of each class have each feature, and `rows`, how many there are."""
    total, everything = found.sum(1, keepdim=True), rows.sum()
    within = (found + 1) / (rows + 2)
    without = (total - found + 1) / (everything - rows + 2)
    return (within / without).log().abs() + FLOOR


def _bayes(found: Tensor) -> Tensor:
    """The weights of multinomial naive Bayes, each class against all others, shape (features, classes)."""
    within, without = found + RARE, found.sum(1, keepdim=True) - found + RARE
    return (within / within.sum(0)).log_() - (without / without.sum(0)).log_()
