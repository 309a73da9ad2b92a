"""Warm start: what an earlier model of texts knows, taken over by name of layer, n-gram and class."""

from __future__ import annotations

import torch
from torch import Tensor

from apps.text.model import TextNetwork
from apps.text.preprocessor import TextPreprocessor, labels_from_state
from shared.artifact import Artifact
from shared.labels import Labels
from shared.several import LabelSets


def adopt(network: TextNetwork, fitted: TextPreprocessor, earlier: Artifact) -> str:
    """Takes over the encoder where it is of the same shape, and the head's rows of the classes of the same name.

    The n-gram expert is not taken over: it was just fitted to convergence on the rows at hand.
    """
    if not network.has_encoder:
        return "nothing: the n-gram expert is fitted anew on these rows"
    own = network.body.state_dict()
    theirs = {k.removeprefix("body."): v for k, v in earlier.network.items() if k.startswith("body.")}
    if own.keys() != theirs.keys() or any(own[k].shape != theirs[k].shape for k in own):
        return "nothing: the earlier model has another encoder"
    network.body.load_state_dict(theirs)
    classes = _head(network, fitted.labels, labels_from_state(earlier.preprocessor["labels"]), earlier.network)
    return f"the encoder, and the head of {classes} of {len(fitted.labels.names)} classes"


@torch.no_grad()
def _head(
    network: TextNetwork, labels: Labels | LabelSets, known: Labels | LabelSets, theirs: dict[str, Tensor] | object
) -> int:
    assert isinstance(theirs, dict)
    shared = [(i, known.names.index(name)) for i, name in enumerate(labels.names) if name in known.names]
    for name in ("mean", "scale"):
        getattr(network.head, name).copy_(theirs[f"head.{name}"])
    for i, j in shared:
        network.head.linear.weight[i] = theirs["head.linear.weight"][j]
        network.head.linear.bias[i] = theirs["head.linear.bias"][j]
    return len(shared)
