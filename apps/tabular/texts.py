"""Free text beside the other columns: hashed words and pairs of words, pressed into a few numbers."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING
from zlib import crc32

import numpy as np

from shared.sampling import evenly

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

BUCKETS, WIDTH = 4096, 16
FIT_ROWS = 20_000
WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class TextProjection:
    """Latent semantic analysis (Deerwester et al. 1990) over hashed n-grams (Weinberger et al. 2009).

    `weight`, float32 (BUCKETS, width), is the inverse document frequency times the leading right singular vectors.
    """

    weight: np.ndarray

    @classmethod
    def fit(cls, column: np.ndarray) -> TextProjection:
        """From texts (str or None), at most FIT_ROWS of them, evenly spread."""
        from sklearn.utils.extmath import randomized_svd

        rows = evenly(len(column), FIT_ROWS)
        counts = count_grams(column[rows])
        seen = np.bincount(counts.indices, minlength=BUCKETS)
        rarity = np.where(seen > 1, np.log((1 + len(rows)) / (1 + seen)) + 1, 0)
        width = min(WIDTH, len(rows) - 1)
        _, _, directions = randomized_svd(counts.multiply(rarity).tocsr(), width, random_state=0)
        return cls((directions.T * rarity[:, None]).astype(np.float32))

    def encode(self, column: np.ndarray) -> dict[str, np.ndarray]:
        """Numbers by part, float64 (rows,); an empty text is NaN in each."""
        numbers = (count_grams(column) @ self.weight).astype(np.float64)
        numbers[np.array([cell is None for cell in column], bool)] = np.nan
        return {f"text {i + 1}": numbers[:, i] for i in range(numbers.shape[1])}


def count_grams(column: np.ndarray) -> csr_matrix:
    """How often each bucket's words and pairs of words stand in each text, logarithmic, rows of length one."""
    from scipy.sparse import csr_matrix

    starts, counts = [0], [np.zeros(0)]
    buckets: list[int] = []
    for cell in column.tolist():
        words = WORD.findall(str(cell).lower()) if cell is not None else []
        grams = Counter(
            crc32(gram.encode()) % BUCKETS for gram in [*words, *map(" ".join, zip(words, words[1:], strict=False))]
        )
        found = np.log1p(np.fromiter(grams.values(), np.float64, len(grams)))
        buckets.extend(grams)
        counts.append(found / (np.linalg.norm(found) or 1))
        starts.append(starts[-1] + len(grams))
    return csr_matrix((np.concatenate(counts), np.array(buckets, np.int32), starts), (len(column), BUCKETS))
