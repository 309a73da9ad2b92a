"""The encoder first learns the language of the task's own texts, without their labels: the next word, or masked words.

ULMFiT (Howard & Ruder 2018, arXiv:1801.06146, 3.2) for an LSTM; for others Gururangan et al. 2020, "Don't Stop
Pretraining", arXiv:2004.10964, with BERT's masks (arXiv:1810.04805).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from apps.text.awd_lstm import AwdLstm
from apps.text.encoder import Encoder, rate
from apps.text.preprocessor import TextPreprocessor
from apps.text.recipe import TextRecipe
from apps.text.tokens import Tokens
from shared.progress import Progress, Setup
from shared.protocol import Data, Group, Outputs
from shared.stages import train_head

MASKED, AS_MASK, AS_ANY = 0.15, 0.8, 0.1
"""Share of tokens to be told; of these, shares that a mask and that any token stands in for."""
BLOCK = 512
"""Tokens whose scores over all words are held at once: they are computed anew in the backward pass."""
STAGE = "language"


class LanguageModel(nn.Module):
    """Texts as `Encoder` takes them to (summed loss, tokens told) of each, shape (texts, 2).

    The scores of words are products with the encoder's own embeddings (Press & Wolf 2017, arXiv:1608.05859).
    `mask`: the id of the token that hides others; None: the next token is told.
    """

    special: Tensor

    def __init__(self, body: Encoder, width: int, mask: int | None, special: list[int]) -> None:
        super().__init__()
        self.network, self.mask = body.network, mask
        words = embedding(body.network)
        masked = [nn.Linear(width, width), nn.GELU(), nn.LayerNorm(width)]
        self.transform = nn.Sequential(*masked) if mask is not None else nn.Identity()
        self.bias = nn.Parameter(torch.zeros(len(words)))
        self.register_buffer("special", torch.tensor(special, dtype=torch.long))

    def forward(self, positions: Tensor, starts: Tensor, tokens: Tensor, lengths: Tensor, owners: Tensor) -> Tensor:
        there = torch.arange(tokens.shape[1], device=tokens.device) < lengths[:, None]
        shown, told = (tokens, there) if self.mask is None else self._hide(tokens, there, self.mask)
        states = self.network(input_ids=shown, attention_mask=there.long()).last_hidden_state
        if self.mask is None:  # a state tells the token after it
            states, tokens, told = states[:, :-1], tokens[:, 1:], told[:, 1:]
        losses, rows = self._losses(self.transform(states[told].float()), tokens[told]), owners[told.nonzero()[:, 0]]
        found = losses.new_zeros(len(starts), 2)
        return found.index_add(0, rows, torch.stack([losses, torch.ones_like(losses)], 1))

    def _hide(self, tokens: Tensor, there: Tensor, mask: int) -> tuple[Tensor, Tensor]:
        """(tokens with some hidden, which are to be told); the same ones each time when not in training."""
        generator = None if self.training else torch.Generator(tokens.device).manual_seed(tokens.numel())
        chance, kind = torch.rand((2, *tokens.shape), generator=generator, device=tokens.device)
        told = there & (chance < MASKED) & ~torch.isin(tokens, self.special)
        random = torch.randint(len(self.bias), tokens.shape, generator=generator, device=tokens.device)
        hidden = torch.where(kind < AS_MASK, mask, torch.where(kind < AS_MASK + AS_ANY, random, tokens))
        return torch.where(told, hidden, tokens), told

    def _losses(self, states: Tensor, tokens: Tensor) -> Tensor:
        words = embedding(self.network)

        def block(some: Tensor, wanted: Tensor) -> Tensor:
            return F.cross_entropy(F.linear(some, words, self.bias).float(), wanted, reduction="none")

        parts = zip(states.split(BLOCK), tokens.split(BLOCK), strict=True)
        found = [checkpoint(block, some, wanted, use_reentrant=False) for some, wanted in parts]
        return torch.cat(found) if found else states.new_zeros(0)


def embedding(network: nn.Module) -> Tensor:
    """The vectors of all tokens, shape (tokens, width)."""
    found: Tensor = network.get_input_embeddings().weight  # type: ignore[operator]
    return found


class Perplexity:
    """The loss is the mean over tokens; perplexity is its exponential."""

    headline = "perplexity"

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """`outputs`: what `LanguageModel` gives; the targets are the texts themselves."""
        return outputs[:, 0].sum() / outputs[:, 1].sum().clamp_min(1)

    def measure(self, predictor: Outputs, data: Data) -> dict[str, float]:
        return {"perplexity": math.exp(min(self.loss(predictor.outputs(data.inputs), data.targets).item(), 20.0))}

    def baseline(self, data: Data) -> dict[str, float]:
        return {}

    def score(self, metrics: Mapping[str, float]) -> float:
        return -metrics["perplexity"]


def learn(setup: Setup, fitted: TextPreprocessor, progress: Progress) -> None:
    """Trains the encoder on the texts alone, for `language_epochs`; the epoch of the least perplexity stays.

    A resumed run repeats this, to the same end."""
    from shared.train import fit

    body, recipe = setup.network.body, setup.recipe
    assert isinstance(body, Encoder) and isinstance(recipe, TextRecipe) and fitted.spec is not None
    tokens = Tokens(fitted.spec.tokenizer)
    width = embedding(body.network).shape[1]
    mask = None if isinstance(body.network, AwdLstm) else tokens.mask
    model = LanguageModel(body, width, mask, tokens.special).to(recipe.device)
    alone = replace(
        setup,
        recipe=replace(recipe, ema=0.0, patience=0),
        network=model,
        objective=Perplexity(),
        train=_unlabelled(setup.train),
        valid=_unlabelled(setup.valid),
        groups=[Group([p for p in model.parameters() if p.requires_grad], rate(body))],
        callbacks=list,
    )
    inner = replace(progress, score=float("-inf"), weights=None)
    fit(alone, recipe.language_epochs, inner, stage=STAGE)
    if inner.weights is not None:
        model.load_state_dict(inner.weights)


def learn_where_it_pays(setup: Setup, fitted: TextPreprocessor, progress: Progress) -> None:
    """Fine-tunes once from the encoder as it was and once from what `learn` makes of it; the better one stays."""
    before = _copy(setup.network)
    plain = _trial(setup, progress, "trial as it was")
    setup.network.load_state_dict(before)
    learn(setup, fitted, progress)
    after = _copy(setup.network)
    adapted = _trial(setup, progress, "trial after the language")
    setup.network.load_state_dict(after if adapted > plain else before)
    progress.display.say(f"the texts' language {'is learnt first' if adapted > plain else 'is not learnt: no gain'}")


def _trial(setup: Setup, progress: Progress, what: str) -> float:
    """The validation score of one fine-tuning, which is kept if nothing better follows."""
    from shared.train import fit

    inner = replace(progress, score=float("-inf"), weights=None)
    train_head(setup, inner)
    if setup.recipe.epochs:
        fit(setup, setup.recipe.epochs, inner, stage=what)
    if inner.score > progress.score:
        progress.score, progress.weights, progress.chosen = inner.score, inner.weights, f"{what}: {inner.chosen}"
    return inner.score


def _unlabelled(part: Data) -> Data:
    return Data(part.inputs, torch.zeros(len(part)))


def _copy(network: nn.Module) -> dict[str, Any]:
    return {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}
