"""Texts to token ids by the Rust tokenizers: of what is too long its telling passages, its ends, or windows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from apps.text.awd_lstm import SPECIAL, marked
from apps.text.grams import clip, sound
from apps.text.passages import passages
from apps.text.ragged import Ragged

LETTERS_PER_TOKEN = 12
"""Characters of a text handed to the tokenizer, for each token that is kept: words average four or five."""

MOST_WINDOWS = 16
READ = 4096
"""Tokens of a text that passages are chosen from; of a longer one its beginning and its end are read."""
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
        self.size = int(self.tokenizer.get_vocab_size())
        self.unknown = self.tokenizer.token_to_id(getattr(self.tokenizer.model, "unk_token", None) or "[UNK]")
        names = (self.tokenizer.token_to_id(name) for name in ("[MASK]", "<mask>"))
        self.mask: int | None = next((found for found in names if found is not None), None)
        self.special = [i for i, token in self.tokenizer.get_added_tokens_decoder().items() if token.special]
        self.marks = int(self.tokenizer.num_special_tokens_to_add(False))
        self.prepared = marked if self.tokenizer.token_to_id(SPECIAL[-1]) is not None else str

    def encode(self, texts: Sequence[str], longest: int) -> Ragged:
        """Ids, at most `longest` a text: its first half and its last, marks of beginning and end included."""
        return Ragged.of_lists([_ends(ids, longest) for ids in self._ids(texts, longest)])

    def read(self, texts: Sequence[str]) -> Ragged:
        """Ids of all of each text, up to `READ`."""
        return Ragged.of_lists([_ends(ids, READ) for ids in self._ids(texts, READ)])

    def passages(self, texts: Sequence[str], longest: int, telling: np.ndarray) -> Ragged:
        """Ids, at most `longest` a text: of a longer one the passages that tell most, between its marks."""
        return Ragged.of_lists(
            [_telling(_ends(ids, READ), longest, self.marks, telling) for ids in self._ids(texts, READ)]
        )

    def windows(self, texts: Sequence[str], longest: int) -> tuple[Ragged, np.ndarray]:
        """(ids of every window, at most `longest` each; where each text's windows begin, shape (texts + 1,)).

        A text has one window or more, each with the marks of beginning and end. Of a text of more than `MOST_WINDOWS`
        the middle is left out.
        """
        cut = [_windows(ids, longest, self.marks) for ids in self._ids(texts, longest * MOST_WINDOWS)]
        begins = np.concatenate([[0], np.cumsum([len(windows) for windows in cut], dtype=np.int64)])
        return Ragged.of_lists([window for windows in cut for window in windows]), begins

    def _ids(self, texts: Sequence[str], longest: int) -> Iterator[list[int]]:
        for start in range(0, len(texts), BLOCK):
            block = [
                self.prepared(sound(clip(text, longest * LETTERS_PER_TOKEN))) for text in texts[start : start + BLOCK]
            ]
            yield from (found.ids for found in self.tokenizer.encode_batch_fast(block))

    def unknown_share(self, found: Ragged) -> float:
        """The share of tokens that stand for something the tokenizer does not know."""
        if self.unknown is None or not len(found.values):
            return 0.0
        return float((found.values == self.unknown).mean())


def _telling(ids: list[int], longest: int, marks: int, telling: np.ndarray) -> list[int]:
    if len(ids) <= longest:
        return ids
    begin, inner, end = _parted(ids, marks)
    return begin + passages(inner, max(longest - len(begin) - len(end), 1), telling) + end


def _parted(ids: list[int], marks: int) -> tuple[list[int], list[int], list[int]]:
    """(mark of the beginning, what stands between, mark of the end); of one mark, it is the beginning's."""
    begin, end = min(marks, 1), len(ids) - (marks == 2)
    return ids[:begin], ids[begin:end], ids[end:]


def _windows(ids: list[int], longest: int, marks: int) -> list[list[int]]:
    """Runs of `longest` tokens, the text's marks of beginning and end around each."""
    begin, inner, end = _parted(ids, marks)
    size = max(longest - len(begin) - len(end), 1)
    cut = [inner[i : i + size] for i in range(0, len(inner), size)] or [[]]
    half = MOST_WINDOWS // 2
    kept = cut if len(cut) <= MOST_WINDOWS else [*cut[:half], *cut[-half:]]
    return [begin + window + end for window in kept]


def _ends(ids: list[int], longest: int) -> list[int]:
    return ids if len(ids) <= longest else ids[: longest - longest // 2] + ids[-(longest // 2) :]
