"""Encoders of other families than BERT, as transformers builds them; loaded only where one is used."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import nn

from shared.errors import UserError, first_line

DROPOUTS = ("hidden_dropout_prob", "embedding_dropout", "mlp_dropout", "dropout")
ATTENTION_DROPOUTS = ("attention_probs_dropout_prob", "attention_dropout")
"""Set to 0: drawing a random number for every pair of tokens costs a third of a step at 256 tokens."""


def build(config: Mapping[str, Any], dropout: float, folder: Path | None) -> nn.Module:
    """The network that a Hugging Face configuration describes, with the weights of `folder` when given.

    Raises ValueError or TypeError where the configuration cannot be built, UserError where the files do not fit it."""
    from safetensors import SafetensorError
    from transformers import AutoModel

    configured = _configure(config, dropout)
    options = {"add_pooling_layer": False} if _has_pooler(configured) else {}
    if folder is None:
        built: nn.Module = AutoModel.from_config(configured, **options)
        return built
    try:
        with _quiet():
            network, loading = AutoModel.from_pretrained(
                folder,
                config=configured,
                local_files_only=True,
                use_safetensors=True,
                trust_remote_code=False,
                output_loading_info=True,
                dtype=torch.float32,
                **options,
            )
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise UserError(f"{folder}: the weights cannot be read ({first_line(error)})") from None
    if missing := sorted(loading["missing_keys"]):
        raise UserError(f"{folder}: the weights lack {len(missing)} tensors of the network, such as {missing[0]}")
    return network


def _configure(config: Mapping[str, Any], dropout: float) -> Any:
    """The description as transformers takes it."""
    from transformers import AutoConfig

    described = dict(config)
    described |= {key: dropout for key in DROPOUTS if isinstance(described.get(key), float)}
    described |= {key: 0.0 for key in ATTENTION_DROPOUTS if key in described}
    return AutoConfig.for_model(**described)


@contextmanager
def _quiet() -> Iterator[None]:
    """Hides transformers' bar and report of loading: what matters of it is said as an error of ours."""
    from transformers.utils import logging

    level, bar = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bar:
            logging.enable_progress_bar()


def _has_pooler(config: Any) -> bool:
    from transformers.models.auto.modeling_auto import MODEL_MAPPING

    return "add_pooling_layer" in inspect.signature(MODEL_MAPPING[type(config)].__init__).parameters
