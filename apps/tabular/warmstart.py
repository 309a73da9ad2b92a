"""Warm start: what an earlier model knows of the same columns and classes, column by column."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from apps.tabular.ensemble import Ensemble
from apps.tabular.features import UNKNOWN, Category
from apps.tabular.preprocessor import TabularPreprocessor, restore
from shared.artifact import Artifact


def adopt(network: nn.Module, preprocessor: TabularPreprocessor, earlier: Artifact) -> str:
    """Takes over all weights of the same shape where the columns and classes are the same; embeddings by word."""
    known = restore(earlier.preprocessor, earlier.fitted)
    if _signature(known) != _signature(preprocessor):
        return "nothing, since its columns or its target differ"
    own = network.state_dict()
    taken: dict[str, Tensor] = {}
    for name, weight in earlier.network.items():
        if name.startswith("networks.") and name in own and own[name].shape == weight.shape:
            taken[name] = weight
    assert isinstance(network, Ensemble)
    for place in range(len(network.networks)):
        for table, i in enumerate(network.large):
            name = f"networks.{place}.categories.tables.{table}.weight"
            old, new = known.categories[i], preprocessor.categories[i]
            if name in earlier.network:
                taken[name] = _by_word(own[name], earlier.network[name], old, new)
    network.load_state_dict({**own, **taken})
    return f"{len(taken)} of {sum(name.startswith('networks.') for name in own)} weights"


def _signature(preprocessor: TabularPreprocessor) -> list[object]:
    state = preprocessor.target.state()
    numbers = [(number.column, number.part, number.flagged) for number in preprocessor.numbers]
    return [numbers, [category.column for category in preprocessor.categories], state.get("names")]


def _by_word(own: Tensor, earlier: Tensor, old: Category, new: Category) -> Tensor:
    """The own embeddings, with the earlier ones of words that both know, where these are as wide."""
    if own.shape[1] != earlier.shape[1]:
        return own
    both = [(new.codes[word], old.codes[word]) for word in new.words if word in old.codes]
    here, there = torch.tensor([(UNKNOWN, UNKNOWN), *both]).T
    mixed = own.clone()
    mixed[here] = earlier[there]
    return mixed
