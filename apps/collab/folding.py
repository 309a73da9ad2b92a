"""Users folded in: what they bring along, known users' new interactions too, is answered without training again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from apps.collab.factors import prior_precision
from apps.collab.histories import Histories
from apps.collab.ids import clean_id, look_up, place_of
from apps.collab.model import RatingNetwork
from apps.collab.preprocessor import CollabPreprocessor
from apps.collab.rankers import Ranker
from apps.collab.short_histories import SHORT, ShortHistoryScorer
from apps.collab.sides import Interactions
from shared.predict import network_device
from shared.protocol import Examples


@dataclass(frozen=True)
class Brought:
    """What users bring along: row r of `had` is what the user whose place is r brought; `ratings` stand beside its
    items, NaN where there is none. Row r of `left_out` is what they had beside and did not like; its last row is empty."""

    places: Mapping[str, int]
    had: Histories
    ratings: Tensor
    left_out: Histories

    @classmethod
    def nothing(cls, preprocessor: CollabPreprocessor) -> Brought:
        none = Histories.empty(0, len(preprocessor.items) + 1)
        return cls({}, none, torch.zeros(0), none)

    @classmethod
    def of(cls, examples: Examples, preprocessor: CollabPreprocessor) -> Brought:
        """From interactions, for a model of ratings with the ratings as targets. Unknown items are left out."""
        left_out = examples.left_out if isinstance(examples, Interactions) else {}
        users, others = (list(map(clean_id, columns.get("user", ()))) for columns in (examples.inputs, left_out))
        places = {name: i for i, name in enumerate(dict.fromkeys((*users, *others)))}
        items = look_up(preprocessor.item_positions, examples.inputs["item"])
        ratings = torch.full((len(users),), torch.nan)
        if preprocessor.task == "ratings":
            ratings = torch.from_numpy(examples.targets.astype("float32"))
        rows, other_rows = (torch.tensor([places[name] for name in of], dtype=torch.long) for of in (users, others))
        order, width = rows.argsort(stable=True), len(preprocessor.items) + 1
        had = Histories.of_pairs(rows, items, len(places), width)
        other_items = look_up(preprocessor.item_positions, left_out.get("item", ()))
        beside = Histories.of_pairs(other_rows, other_items, len(places) + 1, width)
        return cls(places, had, ratings[order][items[order] > 0], beside)

    def take(self, names: Sequence[str]) -> Brought:
        """What these users bring, in this order; nothing for those who bring nothing."""
        if not self.places:
            none = Histories.empty(len(names), self.had.width)
            return Brought({}, none, self.ratings, none)
        places = torch.tensor([place_of(name, self.places, -1) for name in names], dtype=torch.long)
        starts, counts = torch.zeros_like(places), torch.zeros_like(places)
        brought = places >= 0
        starts[brought] = self.had.starts[places[brought]]
        counts[brought] = self.had.counts()[places[brought]]
        begins = torch.cat([torch.zeros(1, dtype=torch.long), counts.cumsum(0)])
        cells = torch.arange(int(counts.sum())) + (starts - begins[:-1]).repeat_interleave(counts)
        left_out = self.left_out.take(torch.where(brought, places, len(self.places)))
        return Brought({}, Histories(begins, self.had.items[cells], self.had.width), self.ratings[cells], left_out)


def scores_of_all(
    ranker: Ranker, short: ShortHistoryScorer, positions: Tensor, had: Histories, folded: Tensor
) -> Tensor:
    """Scores to rank all items by, shape (rows, items + 1), in the processor's memory: of users at `positions`,
    and of those `folded` in by all that they have."""
    scores, few = ranker(positions.to(network_device(ranker))).float().cpu(), by_short(had, folded)
    if few.any():
        rows = few.nonzero()[:, 0]
        scores[rows] = short.score(had.take(rows))
    if (folded & ~few).any():
        rows = (folded & ~few).nonzero()[:, 0]
        scores[rows] = ranker.score(had.take(rows)).float().cpu()
    return scores


def by_short(had: Histories, folded: Tensor) -> Tensor:
    """Which of the users answered by what they have are so by the scorer of short histories."""
    return folded & (had.counts() <= SHORT)


def ratings_of_all(network: RatingNetwork, positions: Tensor, brought: Brought) -> Tensor:
    """Predicted ratings of every item within the scale, shape (rows, items + 1), given what users bring along.

    The posterior mean of a user's factors when the items' are known: the prior is that of all users, or, for a
    known user, the mean found in training with the precision that the training items give.
    """
    rated = network.ratings_of_all(positions.to(network_device(network))).cpu()
    rows = [row for row in range(len(positions)) if _has_ratings(brought, row)]
    if rows:
        table = _user_table(network)
        prior = prior_precision(table[1:])
        offset = (network.mean + network.item_bias.weight[:, 0]).cpu()
        items = torch.cat([network.items.weight.cpu(), torch.ones(len(offset), 1)], 1)
        for row in rows:
            part = slice(int(brought.had.starts[row]), int(brought.had.starts[row + 1]))
            new, values = brought.had.items[part].long(), brought.ratings[part]
            position = int(positions[row])
            own = network.seen.of(position)
            fresh = values.isfinite() & ~torch.isin(new, own)  # what training had counts already
            new, values = new[fresh], values[fresh]
            precision = prior + _information(items, own, network)
            slope = precision @ table[position] + (values - offset[new]) @ items[new] / float(network.noise)
            whole = precision + _information(items, new, network)
            rated[row] = offset + items @ torch.linalg.solve(whole, slope)
    return rated.clamp(network.least, network.greatest)


def _has_ratings(brought: Brought, row: int) -> bool:
    return bool(brought.ratings[brought.had.starts[row] : brought.had.starts[row + 1]].isfinite().any())


def _user_table(network: RatingNetwork) -> Tensor:
    """Users' factors with the bias last, shape (users + 1, width + 1)."""
    return torch.cat([network.users.weight, network.user_bias.weight], 1).detach().cpu()


def _information(items: Tensor, had: Tensor, network: RatingNetwork) -> Tensor:
    return items[had].T @ items[had] / float(network.noise)
