"""Pretrained weights by name: the folder GLANCE_WEIGHTS, installed packages, the hub's cache, then the hub."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, urlsplit
from urllib.request import getproxies, proxy_bypass

from shared.errors import UserError

HUB, PATIENCE = "https://huggingface.co", 3.0  # seconds to reach it
PORTS = {"http": 80, "https": 443, "socks5": 1080}

FROM_SCRATCH = "training from scratch"
"""What sentences about weights, here and in apps, end with where there are no pretrained ones."""


@dataclass(frozen=True)
class Weights:
    """Where pretrained weights are: `path` is a .safetensors file or a folder in the Hugging Face layout.

    `name` is what builds the network around them: the file's or folder's own name.
    """

    name: str
    path: Path
    found: str  # for the reader: "in GLANCE_WEIGHTS", "at the hub", ...

    @property
    def file(self) -> Path:
        return self.path / "model.safetensors" if self.path.is_dir() else self.path

    @property
    def folder(self) -> Path:
        """Where what describes them is."""
        return self.path if self.path.is_dir() else self.path.parent


def find(
    asked: str,
    candidates: Sequence[str],
    packaged: Callable[[str], Path | None],
    repository: Callable[[str], str | None],
) -> tuple[Weights | None, str]:
    """(weights or None, a sentence saying what was decided).

    `candidates`: names that "auto" tries, best first. `packaged(name)`: a path inside an installed package.
    `repository(name)`: the hub's repository of a name. Raises UserError when a named one is nowhere.
    """
    if asked == "none":
        return None, f"weights: none asked for, {FROM_SCRATCH}"
    if asked != "auto":
        weights = _at_path(asked) or _here(asked, packaged, repository) or _at_hub(asked, repository)
        if weights is None:
            if Path(asked).expanduser().is_dir():
                raise UserError(
                    f"no weights in the folder {asked}: it has no config.json. Give a folder in the Hugging Face layout "
                    "(config.json beside model.safetensors), or the .safetensors file itself"
                )
            raise UserError(
                f"no weights {asked!r}: not a path, not in GLANCE_WEIGHTS ({os.environ.get('GLANCE_WEIGHTS', 'unset')}), "
                f"not in an installed package, not in the hub's cache, and the hub gave none. "
                "Put the file in GLANCE_WEIGHTS, or use --weights auto or none"
            )
        return weights, f"weights: {weights.name}, {weights.found}"
    for name in candidates:
        if weights := _here(name, packaged, repository):
            return weights, f"weights: {weights.name}, {weights.found}"
    if candidates and (weights := _at_hub(candidates[0], repository)):
        return weights, f"weights: {weights.name}, {weights.found}"
    return None, f"weights: none found on this machine and the hub cannot be reached, so {FROM_SCRATCH}"


def beside_earlier(notes: Sequence[str]) -> tuple[str, ...]:
    """The notes of a run that starts from an earlier model: it is that model's word what it takes over, not theirs."""
    return tuple(note.replace(FROM_SCRATCH, f"{FROM_SCRATCH} but for what the earlier model knows") for note in notes)


def _at_path(asked: str) -> Weights | None:
    path = Path(asked).expanduser()
    if not path.exists() or (path.is_dir() and not (path / "config.json").exists()):
        return None
    if path.is_file() and path.suffix != ".safetensors":
        raise UserError(f"{path}: weights are read from .safetensors only (other formats can run code)")
    return Weights(path.stem if path.is_file() else path.name, path, f"at {path}")


def _here(name: str, packaged: Callable[[str], Path | None], repository: Callable[[str], str | None]) -> Weights | None:
    folder = os.path.expanduser(os.environ.get("GLANCE_WEIGHTS", ""))
    if folder and os.sep not in name:
        for path in (Path(folder) / f"{name}.safetensors", Path(folder) / name):
            if path.is_file() or (path / "config.json").is_file():
                return Weights(name, path, "in GLANCE_WEIGHTS")
    if inside := packaged(name):
        return Weights(name, inside, "from an installed package")
    return _from_hub(name, repository, local=True)


def _at_hub(name: str, repository: Callable[[str], str | None]) -> Weights | None:
    if os.environ.get("HF_HUB_OFFLINE") == "1" or repository(name) is None or not reachable():
        return None
    return _from_hub(name, repository, local=False)


def _from_hub(name: str, repository: Callable[[str], str | None], local: bool) -> Weights | None:
    where = repository(name)
    if where is None:
        return None
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    wanted = ["*.safetensors", "config.json", "tokenizer*", "vocab*", "special_tokens_map.json", "merges.txt"]
    try:
        folder = Path(snapshot_download(where, allow_patterns=wanted, local_files_only=local, etag_timeout=PATIENCE))
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError, ValueError):
        return None
    if not (folder / "model.safetensors").exists():
        return None
    return Weights(name, folder, "in the hub's cache" if local else "from the hub")


def reachable(endpoint: str | None = None) -> bool:
    """Whether the hub, or the proxy on the way to it, takes a connection within PATIENCE: a closed network is known at once."""
    hub = _parsed(endpoint or os.environ.get("HF_ENDPOINT") or HUB)
    proxies = {} if proxy_bypass(hub.hostname or "") else getproxies()
    proxy = proxies.get(hub.scheme) or proxies.get("all")
    first = _parsed(proxy) if proxy else hub
    try:
        socket.create_connection((first.hostname, first.port or PORTS.get(first.scheme, 443)), PATIENCE).close()
    except (OSError, ValueError):  # the latter of a port that is no number
        return False
    return True


def _parsed(address: str) -> SplitResult:
    return urlsplit(address if "://" in address else f"http://{address}")
