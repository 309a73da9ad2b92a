"""Warm start: what an earlier model of texts knows, taken over by name of layer and class."""

from __future__ import annotations

from apps.text.model import TextNetwork
from apps.text.preprocessor import TextPreprocessor
from apps.text.tokens import Tokens
from shared.artifact import Artifact
from shared.classes import take_over


def adopt(network: TextNetwork, fitted: TextPreprocessor, earlier: Artifact) -> str:
    """Takes over the encoder where it is of the same shape, and the head's weights of the classes that both know.

    The n-gram expert is not taken over: it was just fitted to convergence on the rows at hand.
    """
    if not network.has_encoder:
        return "nothing: the n-gram expert is fitted anew on these rows"
    own = network.body.state_dict()
    theirs = {k.removeprefix("body."): v for k, v in earlier.network.items() if k.startswith("body.")}
    if own.keys() != theirs.keys() or any(own[k].shape != theirs[k].shape for k in own):
        return "nothing: the earlier model has another encoder"
    assert fitted.spec is not None
    if _vocabulary(fitted.spec.tokenizer) != _vocabulary(earlier.preprocessor["encoder"]["tokenizer"]):
        return "nothing: the earlier model's encoder has other tokens"
    network.body.load_state_dict(theirs)
    for name in ("mean", "scale"):
        getattr(network.head, name).copy_(earlier.network[f"head.{name}"])
    classes = take_over(network.head, fitted.labels, earlier)
    return f"the encoder, and the head of {classes} of {len(fitted.labels.names)} classes"


def _vocabulary(tokenizer: str) -> dict[str, int]:
    """The row of each token in the table of embeddings, which in a table of the same size may be another's."""
    found: dict[str, int] = Tokens(tokenizer).tokenizer.get_vocab()
    return found
