"""Texts to token ids by the Rust tokenizers: the beginning and the end of what is too long."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from apps.text.grams import Ragged, clip

LETTERS_PER_TOKEN = 12
"""Characters of a text handed to the tokenizer, for each token that is kept: words average four or five."""

BLOCK = 2048


class Tokens:
    """A tokenizer out of its JSON. Raises ValueError where that is none."""

    def __init__(self, description: str) -> None:
        from tokenizers import Tokenizer

        try:
            self.tokenizer = Tokenizer.from_str(description)
        except Exception as error:  # the Rust side raises plain Exceptions
            raise ValueError(f"not a tokenizer: {error}") from None
        self.tokenizer.no_padding()
        self.tokenizer.no_truncation()
        self.unknown = self.tokenizer.token_to_id(getattr(self.tokenizer.model, "unk_token", None) or "[UNK]")

    def encode(self, texts: Sequence[str], longest: int) -> Ragged:
        """Ids, at most `longest` a text: its first half and its last, marks of beginning and end included."""
        rows: list[list[int]] = []
        for start in range(0, len(texts), BLOCK):
            block = [_sound(clip(text, longest * LETTERS_PER_TOKEN)) for text in texts[start : start + BLOCK]]
            rows += [_ends(found.ids, longest) for found in self.tokenizer.encode_batch_fast(block)]
        lengths = [len(row) for row in rows]
        values = np.fromiter((token for row in rows for token in row), np.int32, sum(lengths))
        return Ragged(values, np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)]))

    def unknown_share(self, found: Ragged) -> float:
        """The share of tokens that stand for something the tokenizer does not know."""
        if self.unknown is None or not len(found.values):
            return 0.0
        return float((found.values == self.unknown).mean())


def _ends(ids: list[int], longest: int) -> list[int]:
    return ids if len(ids) <= longest else ids[: longest - longest // 2] + ids[-(longest // 2) :]


def _sound(text: str) -> str:
    """Half a surrogate pair, which a csv can hold and UTF-8 cannot, becomes a question mark."""
    return text.encode("utf-8", "replace").decode("utf-8")
