"""What good means: the error of predicted ratings, or what a list of ten recommendations finds."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from apps.collab.histories import Histories
from apps.collab.model import RatingNetwork
from apps.collab.newusers import NewUsers
from apps.collab.preprocessor import CollabPreprocessor
from apps.collab.topk import list_metrics, top_items
from shared.loaders import Tensors
from shared.metrics import regression_metrics
from shared.predict import Given, Predictor
from shared.protocol import Data, Outputs

Cells = tuple[Tensor, Tensor]

Scorer = Callable[[Tensor], Tensor]
"""Scores of all items, shape (users, items + 1), for users at these positions."""

K = 10
BIAS_ONLY = "bias-only"
"""Names the metrics of the other naive lists: of what is rated best, where there are ratings."""

BLOCK = 1024
"""Users whose scores are held at a time."""

LISTED = 1000
"""Users, drawn at random, whose lists a model of ratings is measured by too."""


class RatingError:
    """Squared error in the ratings' own unit; the baseline is mean + user bias + item bias, shrunken.

    Beside it stands what the lists of the model's ranker find, as `TopItems` has it, for LISTED users: a row counts as
    something to find where its rating is no less than the mean one of training.
    """

    headline = "rmse"

    def __init__(self, preprocessor: CollabPreprocessor) -> None:
        self.preprocessor, self.lists = preprocessor, TopItems(preprocessor)

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Mean squared error of ratings, the first column of outputs, shape (rows, 2)."""
        return F.mse_loss(outputs[:, 0].float(), targets)

    def measure(self, predictor: Outputs, data: Data) -> dict[str, float]:
        """rmse, mae, r2 of the predictions, held within the rating scale; and of lists, where there is a network to ask."""
        found = self.judge(predictor, data)
        network = getattr(predictor, "network", None)
        if isinstance(data.inputs, NewUsers) or not isinstance(network, RatingNetwork):
            return found
        listed = self._listed(*_pairs(data), data.targets)
        return found | (self.lists.measure(Predictor(network.ranker), listed) if len(listed) else {})

    def judge(self, predictor: Outputs, data: Data) -> dict[str, float]:
        """See shared.protocol.Judges: the errors alone, as epochs do not change the ranker."""
        if isinstance(data.inputs, NewUsers):
            return self._metrics(data.inputs.predicted(predictor), data)
        return self._metrics(predictor.outputs(data.inputs)[:, 0].float(), data)

    def baseline(self, data: Data) -> dict[str, float]:
        known = self.preprocessor
        if isinstance(data.inputs, NewUsers):
            return self._metrics(data.inputs.usual(known.scale[1], known.item_bias), data)
        users, items = _pairs(data)
        found = self._metrics(known.scale[1] + known.user_bias[users] + known.item_bias[items], data)
        listed = self._listed(users, items, data.targets)
        return found | (self.lists.baseline(listed) if len(listed) else {})

    def _listed(self, users: Tensor, items: Tensor, ratings: Tensor) -> Data:
        """The rows of LISTED known users, their targets (user, item, whether it was liked)."""
        owners = users[users > 0].unique()
        drawn = owners[torch.randperm(len(owners), generator=torch.Generator().manual_seed(0))[:LISTED]]
        rows = torch.isin(users, drawn)
        liked = ratings.cpu() >= self.preprocessor.scale[1]
        targets = torch.stack([users[rows], items[rows], liked[rows]], 1).long()
        targets = targets if targets[:, 2].any() else targets[:0]
        return Data(Tensors(targets[:, 0]), targets)

    def score(self, metrics: Mapping[str, float]) -> float:
        return -metrics["rmse"]

    def _metrics(self, values: Tensor, data: Data) -> dict[str, float]:
        least, _, greatest = self.preprocessor.scale
        return regression_metrics(values.clamp(least, greatest).numpy(), data.targets.cpu().numpy())


class TopItems:
    """The ten best of all items that the user has not had, against what the user then chose.

    Averages over users with something to find; a pair that training saw is not to be found again, one whose
    item training never saw counts as missed. What a user has in the validation rows is left out of the list,
    unless it is what is asked. Targets are (user, item), or (user, item, liked) with others among them; users below 0
    are unknown ones, each a user of their own who is shown what most users have. `coverage` is the share of items that
    anyone is shown, `novelty` the mean of -log2(share of users who have the item). The baseline recommends what most
    users have; beside it stands what is rated best, by shrunken means, where the training rows have ratings.
    """

    headline = f"ndcg@{K}"

    def __init__(self, preprocessor: CollabPreprocessor) -> None:
        self.preprocessor = preprocessor

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Cross-entropy of all items' scores, shape (rows, items + 1), with targets (rows, 2) of user and item; rows whose
        item training never saw have none."""
        return F.cross_entropy(outputs.float()[:, 1:], targets[:, 1] - 1, ignore_index=-1)

    def measure(self, predictor: Outputs, data: Data) -> dict[str, float]:
        return self._metrics(self._with_new_items(self._scorer(predictor, data)), data)

    def _scorer(self, predictor: Outputs, data: Data) -> Scorer:
        if isinstance(data.inputs, NewUsers):
            return data.inputs.scorer(predictor, self.preprocessor.short_histories)
        if isinstance(predictor, Given):  # one row of scores for each pair: the first of each user serves
            users, first = np.unique(data.targets[:, 0].clamp_min(0).numpy(), return_index=True)
            rows = torch.zeros(len(self.preprocessor.users) + 1, dtype=torch.long)
            rows[torch.from_numpy(users)] = torch.from_numpy(first)
            given = predictor.given
            return lambda block: given[rows[block]]
        return lambda block: predictor.outputs(Tensors(block))

    def _with_new_items(self, scorer: Scorer) -> Scorer:
        """With scores of the items that nobody has, as they are recommended."""

        def scores(block: Tensor) -> Tensor:
            found = scorer(block).clone()
            self.preprocessor.new_items.fill(found)
            return found

        return scores

    def baseline(self, data: Data) -> dict[str, float]:
        popular, liked = self.preprocessor.item_counts.float(), self.preprocessor.item_bias
        found = self._metrics(lambda block: popular.expand(len(block), -1), data)
        if liked.any():
            by_bias = self._metrics(lambda block: liked.expand(len(block), -1), data)
            found |= {f"{BIAS_ONLY}:{name}": value for name, value in by_bias.items()}
        return found

    def score(self, metrics: Mapping[str, float]) -> float:
        return metrics[self.headline]

    def _metrics(self, scores: Scorer, data: Data) -> dict[str, float]:
        pairs, seen, held = self._asked(data)
        pairs = pairs[pairs[:, 0].argsort(stable=True)]
        users, counts = pairs[:, 0].unique_consecutive(return_counts=True)
        parts = [list_metrics(torch.zeros(0, K), torch.zeros(0), K)]  # names, where nobody is measured
        shown = torch.zeros(len(self.preprocessor.items) + 1)
        sizes = counts.split(BLOCK)
        asked_of = pairs.split([int(each.sum()) for each in sizes])
        for block, each, asked in zip(users.split(BLOCK), sizes, asked_of, strict=True):
            rows = torch.arange(len(block)).repeat_interleave(each)
            asked = torch.cat([rows[:, None], asked[:, 1:]], 1)
            places = block.clamp_min(0)
            found, top = self._block(scores(places), (seen.cells(places), held.cells(places)), asked)
            parts.append(found)
            shown += torch.bincount(top.flatten(), minlength=len(shown))
        shown[0] = 0
        whole = {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
        means = {name: float(values.double().mean()) if len(values) else 0.0 for name, values in whole.items()}
        surprise = -(self.preprocessor.item_counts.clamp_min(1) / len(self.preprocessor.users)).log2()
        novelty = float((surprise * shown).sum() / shown.sum().clamp_min(1))
        return means | {f"coverage@{K}": float((shown[1:] > 0).float().mean()), f"novelty@{K}": novelty}

    def _asked(self, data: Data) -> tuple[Tensor, Histories, Histories]:
        """The targets of each row, what the users have in the training rows or showed, and in the validation rows."""
        if isinstance(data.inputs, NewUsers):
            had = data.inputs.brought.had
            return torch.stack([data.inputs.places, data.inputs.items], 1), had, Histories.empty(len(had), had.width)
        return data.targets.cpu(), self.preprocessor.seen, self.preprocessor.held

    def _block(self, scores: Tensor, had: tuple[Cells, Cells], asked: Tensor) -> tuple[dict[str, Tensor], Tensor]:
        """(metrics of each user with something to find, the lists) for scores of shape (users, items + 1); the cells of
        what they `had` are those seen and those held back, `asked` are targets, with the row of `scores` for the user."""
        scores = scores.clone()
        rows, items = asked[:, 0], asked[:, 1]
        liked = asked[:, 2].float() if asked.shape[1] > 2 else torch.ones(len(asked))
        truth, own = torch.zeros_like(scores), scores[rows, items]
        truth[rows, items] = liked
        unknown = torch.bincount(rows[items == 0], liked[items == 0], minlength=len(scores)).float()
        seen, held = had
        scores[held] = -torch.inf
        scores[rows, items] = own
        truth[:, 0], scores[:, 0] = 0.0, -torch.inf
        scores[seen], truth[seen] = -torch.inf, 0.0
        chosen = truth.sum(1) + unknown
        top = top_items(scores, K)
        hits = truth.gather(1, top)
        top = torch.where(scores.gather(1, top) > -torch.inf, top, 0)  # where fewer than K are left to recommend
        return list_metrics(hits[chosen > 0], chosen[chosen > 0], K), top


def _pairs(data: Data) -> tuple[Tensor, Tensor]:
    """Positions of the user and of the item of each row."""
    users, items = data.inputs.batch(torch.arange(len(data)))[:2]
    return users, items
