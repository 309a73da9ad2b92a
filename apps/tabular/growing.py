"""Grows the trees beside the networks: unlike forests, weighed on rows that they were kept from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from apps.tabular import boosting
from apps.tabular.ensemble import Ensemble, losses
from apps.tabular.forest import Trees, forest_features, joined, trees_a_round
from apps.tabular.means import unseen_means
from apps.tabular.neighbours import find_columns, unseen_features
from apps.tabular.parts import evened, held_out, whole
from apps.tabular.recipe import TabularRecipe
from apps.tabular.sizes import PROBE, Growth, growth
from apps.tabular.targets import Target
from shared.protocol import Data

UNDECIDED = 0.5
"""The share of the trees where there are no rows to choose by: halves beat either alone more often."""

GREEDY_STEPS = 12
MEANS_FOREST = 3
"""The forest in turn that sees the means of categories instead of their codes."""

NEIGHBOUR_ROWS = (2_000, 200_000)
"""With fewer rows neighbours are too far off to tell, with more the trees find the places themselves."""

PARTS = 5
"""Into at least so many parts rows are cut that are to be told of the others' targets."""


def plant(
    ensemble: Ensemble, target: Target, parts: Sequence[Tensor], both: tuple[Data, Data], recipe: TabularRecipe
) -> tuple[str, Tensor | None]:
    """Grows unlike forests on the rows outside each part, or on the training rows where there are no parts.

    Gives what to say, and the trees' answers to the rows that they were kept from: part by part, or validation's.
    """
    options = boosting.Options(
        PROBE,
        ensemble.sizes,
        ensemble.classes,
        recipe.seed,
        ensemble.first_code,
        class_weights=recipe.class_weights,
    )
    encoded, (train, valid) = both[0], (_rows(data, target) for data in both)
    near = _add_neighbours(ensemble, train, _near_parts(ensemble, encoded, recipe), options)
    if near is not None:
        train, valid = train.beside(near), valid.beside(ensemble.neighbours.of_many(valid.features))
    plan = growth(recipe, len(train), train.features.shape[1], ensemble.forest.outputs, len(parts) + 1)
    train, valid, (most, of_means) = _with_means(ensemble, train, valid, _means_parts(ensemble, encoded, recipe, plan))
    views = [of_means if number == MEANS_FOREST else most for number in range(plan.forests)]
    kinds = [replace(options, growth=plan, number=number) for number in range(plan.forests)]
    forests, answers = [], []
    for view, kind in zip(views, kinds, strict=True):
        grown, found = [], []
        for learnt, held in map(train.without, parts) if parts else [(train, valid)]:
            grown.append(_grown(learnt, held, view, kind))
            found.append(_sums(ensemble, grown[-1], held.features))
        forests.append(grown)
        answers.append(torch.cat(found))
    targets = train.targets[torch.cat(list(parts))] if parts else valid.targets
    counted = evened(targets, ensemble.classes, recipe.class_weights)
    weights = best_weights(ensemble, answers, targets, counted) if len(targets) else [1 / len(forests)] * len(forests)
    kept = [(forest, w / len(grown)) for grown, w in zip(forests, weights, strict=True) for forest in grown]
    if parts:
        wholes = [_grown_whole(train, *each) for each in zip(views, kinds, forests, strict=True)]
        kept = [(forest, w / 2) for forest, w in [*kept, *zip(wholes, weights, strict=True)]]
    ensemble.forest.plant(joined([forest for forest, _ in kept], [weight for _, weight in kept]), UNDECIDED)
    rounds = len(ensemble.forest) // ensemble.forest.outputs
    said = f"trees: {rounds:,} rounds in {len(kept)} forest{'s' * (len(kept) > 1)} beside the network"
    said += ", with the targets of near training rows" if near is not None else ""
    return said, ensemble.of_sums(_weighed(answers, weights)) if len(targets) else None


def _rows(data: Data, target: Target) -> boosting.Rows:
    inputs = [part.cpu() for part in whole(data)]
    return boosting.Rows(forest_features(*inputs), target.standard(data.targets.cpu()), data.weights)


def _add_neighbours(
    ensemble: Ensemble, train: boosting.Rows, parts: list[Tensor], options: boosting.Options
) -> Tensor | None:
    """What neighbours had for a target, as features of the training rows; None where that does not help."""
    columns = find_columns(train, parts, ensemble.numbers, options) if parts else ()
    if not columns:
        return None
    ensemble.neighbours.place(columns, train.features, train.targets)
    return unseen_features(columns, train.features, train.targets, parts)


def _near_parts(ensemble: Ensemble, train: Data, recipe: TabularRecipe) -> list[Tensor]:
    """The parts whose rows look for neighbours in the others; none where neighbours are not to be looked for."""
    few, many = NEIGHBOUR_ROWS
    sought = recipe.neighbours != "none" and few <= len(train) <= many
    return _parts(ensemble, train, recipe) if sought else []


def _with_means(
    ensemble: Ensemble, train: boosting.Rows, valid: boosting.Rows, parts: list[Tensor]
) -> tuple[boosting.Rows, boosting.Rows, tuple[Tensor, Tensor]]:
    """(the rows with what their categories had for a target, the features that most forests see, those that the one
    for the means sees: these instead of codes)."""
    width = train.features.shape[1]
    first, end = ensemble.first_code, ensemble.first_code + len(ensemble.sizes)
    most = torch.arange(width)
    if not parts:
        return train, valid, (most, most)
    codes = train.features[:, first:end]
    own = unseen_means(ensemble.sizes, codes, train.targets, parts)
    ensemble.means.place(ensemble.sizes, codes, train.targets)
    train, valid = train.beside(own), valid.beside(_means_of(ensemble, valid.features[:, first:end]))
    without_codes = torch.cat([most[:first], torch.arange(end, width + own.shape[1])])
    return train, valid, (torch.arange(width + own.shape[1]) if _has_large(ensemble) else most, without_codes)


def _means_parts(ensemble: Ensemble, train: Data, recipe: TabularRecipe, plan: Growth) -> list[Tensor]:
    """The parts whose rows take the means of the others; none where no forest is to see them."""
    seen = _has_large(ensemble) or (plan.forests > MEANS_FOREST and len(ensemble.sizes) > 1)
    return _parts(ensemble, train, recipe) if seen and len(train) >= NEIGHBOUR_ROWS[0] else []


def _means_of(ensemble: Ensemble, codes: Tensor) -> Tensor:
    return ensemble.means(codes.to(ensemble.means.table.device)).cpu()


def _has_large(ensemble: Ensemble) -> bool:
    """Whether a category has more codes than trees split by subsets: then all forests see the means beside the codes."""
    return max(ensemble.sizes, default=0) > boosting.NATIVE


def _parts(ensemble: Ensemble, train: Data, recipe: TabularRecipe) -> list[Tensor]:
    """Parts of the training rows, each to be told of the others' targets; none for several outputs or rows in time."""
    if ensemble.forest.outputs > 1 or recipe.time is not None:
        return []
    return held_out(train, replace(recipe, folds=max(recipe.folds, PARTS)))


def _grown(learnt: boosting.Rows, held: boosting.Rows, view: Tensor, options: boosting.Options) -> Trees:
    """A forest that looks at the features of `view` alone; without the codes there is no category among them."""
    sizes = options.sizes if options.first in view.tolist() else []
    forest = boosting.grow(learnt.seen(view), held.seen(view), replace(options, sizes=sizes))
    return forest | {"feature": view.int()[forest["feature"].long()]}


def _grown_whole(train: boosting.Rows, view: Tensor, options: boosting.Options, grown: list[Trees]) -> Trees:
    """A forest like those grown on parts, from all rows: it stops after as many rounds as they did on average."""
    trees = sum(len(forest["root"]) for forest in grown) / len(grown)
    rounds = max(round(trees / trees_a_round(options.classes)), 1)
    return _grown(train, train.take(torch.arange(0)), view, replace(options, rounds=rounds))


@torch.inference_mode()
def _sums(ensemble: Ensemble, forest: Trees, features: Tensor) -> Tensor:
    if not len(features):
        return torch.zeros(0, ensemble.forest.outputs)
    ensemble.forest.plant(forest, 1.0)
    return ensemble.forest(features.to(ensemble.forest.share.device)).float().cpu()


def best_weights(
    ensemble: Ensemble, answers: Sequence[Tensor], targets: Tensor, counted: Tensor | None = None
) -> list[float]:
    """Weights of sum one, found greedily from equal ones (Caruana et al. 2004): each step adds what lowers the loss most."""

    def loss_of(counts: Sequence[int]) -> float:
        outputs = ensemble.of_sums(_weighed(answers, [count / sum(counts) for count in counts]))
        return float(losses(outputs, targets, counted).mean())

    counts = [1] * len(answers)
    loss = loss_of(counts)
    for _ in range(GREEDY_STEPS):
        tries = [[count + (i == j) for j, count in enumerate(counts)] for i in range(len(answers))]
        found = [loss_of(some) for some in tries]
        if min(found) >= loss:
            break
        loss = min(found)
        counts = tries[found.index(loss)]
    return [count / sum(counts) for count in counts]


def _weighed(answers: Sequence[Tensor], weights: Sequence[float]) -> Tensor:
    return torch.stack([answer * weight for answer, weight in zip(answers, weights, strict=True)]).sum(0)
