"""Hashed n-grams of words and letters, computed over all texts at once: no Python a word.

A run of letters and digits is a word; a Chinese, Japanese or Korean character and a mark are words by
themselves, so word n-grams are character n-grams where a script has no spaces.
"""

from __future__ import annotations

from collections.abc import Sequence
from unicodedata import category

import numpy as np

from apps.text.ragged import Ragged, distinct

BITS = 22
"""Hashes are kept to this many bits: four million buckets."""

WORD_ORDERS, LETTER_ORDERS = 3, (2, 3, 4, 5)
LONGEST = 60_000
"""Characters of a text that are looked at, half from its beginning and half from its end."""

_ODD = np.uint64(0x9E3779B97F4A7C15)
_BASE = np.uint64(0xD1342543DE82EF95)
_INVERSE = np.uint64(pow(int(_BASE), -1, 1 << 64))
_SPACE, _WORD, _MARK, _SINGLE = 0, 1, 2, 3
_BLANK = np.uint32(ord(" "))
_CHUNK = 200_000  # characters at once: arrays small enough that the allocator uses their memory again
UNSPACED = ((0x0E00, 0x0F00), (0x1000, 0x10A0), (0x1780, 0x1800))  # Thai, Lao; Myanmar; Khmer


def clip(text: str, longest: int = LONGEST) -> str:
    """The beginning and the end of a text that is too long to look at whole."""
    return text if len(text) <= longest else f"{text[: longest // 2]} {text[-longest // 2 :]}"


def sound(text: str) -> str:
    """Half a surrogate pair, which a csv can hold and UTF-8 cannot, becomes a question mark."""
    return text.encode("utf-8", "replace").decode("utf-8")


def grams(texts: Sequence[str], letters: bool) -> Ragged:
    """The buckets, below 2 ** BITS, of the n-grams of each text, each once and ascending; int32."""
    parts, start, size = [], 0, 0
    for i, text in enumerate(texts):
        size += min(len(text), LONGEST) + 1
        if size >= _CHUNK or i + 1 == len(texts):
            parts.append(_grams(texts[start : i + 1], letters))
            start, size = i + 1, 0
    return Ragged.joined(parts)


def _grams(texts: Sequence[str], letters: bool) -> Ragged:
    codes, row = _codes(texts)
    kinds = _KINDS[np.minimum(codes, len(_KINDS) - 1)]
    codes = np.where(kinds == _SPACE, _BLANK, codes)  # a tab before a word is a space
    previous = np.concatenate([[_SPACE], kinds[:-1]])
    begins = (kinds != _SPACE) & ((kinds != _WORD) | (previous != _WORD))
    following = np.concatenate([kinds[1:], [_SPACE]])
    ends = (kinds != _SPACE) & ((kinds != _WORD) | (following != _WORD))
    first, last = np.flatnonzero(begins), np.flatnonzero(ends) + 1
    powers, prefix = _prefix(codes)
    words, row = _span(powers, prefix, first, last), row[first]
    found = [(row, words), *_word_orders(row, words)]
    if letters:
        found += _letter_orders(powers, prefix, first, last, row)
    return _sorted_rows(found, len(texts))


def _codes(texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Code points of all texts joined by spaces, and the row of each."""
    lowered = [clip(text).lower() for text in texts]
    joined = " " + " ".join(lowered) + " "
    codes = np.frombuffer(joined.encode("utf-32-le", "replace"), np.uint32)
    lengths = np.array([len(text) + 1 for text in lowered])
    lengths[0] += 1
    return codes, np.repeat(np.arange(len(texts)), lengths)


def _kinds() -> np.ndarray:
    """The kind of each code point of the basic plane; what lies beyond (emoji, rare signs) stands alone."""
    kinds = np.full(0x10001, _SINGLE, np.int8)
    for code in range(0x2E80):
        letter = chr(code)
        inside = letter.isalnum() or letter in "_'" or category(letter).startswith("M")
        kinds[code] = _WORD if inside else _SPACE if letter <= " " else _MARK
    for begin, end in UNSPACED:
        kinds[begin:end] = _SINGLE
    kinds[[0x85, 0xA0, 0x3000, 0xFEFF, 0xFFFD, *range(0x2000, 0x2010), 0x2028, 0x2029]] = _SPACE
    return kinds


_KINDS = _kinds()


def _prefix(codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Inverse powers of the base, and sums of letter * base ** position: any span's hash is a difference."""
    letters = _mix(codes.astype(np.uint64) + np.uint64(1))
    powers = np.full(len(codes), _BASE, np.uint64).cumprod()
    inverse = np.full(len(codes), _INVERSE, np.uint64).cumprod()
    return inverse, np.concatenate([np.zeros(1, np.uint64), (letters * powers).cumsum()])


def _span(inverse: np.ndarray, prefix: np.ndarray, first: np.ndarray, last: np.ndarray) -> np.ndarray:
    return _mix((prefix[last] - prefix[first]) * inverse[first])


def _mix(x: np.ndarray) -> np.ndarray:
    """Every bit of the result depends on every bit of x (the finaliser of splitmix64)."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def _word_orders(row: np.ndarray, words: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Runs of two and more words within a text."""
    found, joined = [], words
    for order in range(2, WORD_ORDERS + 1):
        if len(words) < order:
            break
        joined = joined[:-1] * _ODD + words[order - 1 :]
        inside = row[: 1 - order] == row[order - 1 :]
        found.append((row[: 1 - order][inside], _mix(joined + np.uint64(order))[inside]))
    return found


def _letter_orders(
    inverse: np.ndarray, prefix: np.ndarray, first: np.ndarray, last: np.ndarray, row: np.ndarray
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Runs of letters within words of two letters and more; one space before and behind counts as a letter."""
    found = []
    long = last - first > 1
    first, last, row = np.maximum(first[long] - 1, 0), np.minimum(last[long] + 1, len(inverse)), row[long]
    for order in LETTER_ORDERS:
        number = np.maximum(last - first - order + 1, 0)
        if not number.sum():
            continue
        start = np.repeat(first - np.concatenate([[0], np.cumsum(number)[:-1]]), number) + np.arange(number.sum())
        hashes = _span(inverse, prefix, start, start + order)
        found.append((np.repeat(row, number), hashes + np.full(1, order, np.uint64) * _ODD))
    return found


def _sorted_rows(found: list[tuple[np.ndarray, np.ndarray]], rows: int) -> Ragged:
    """The different buckets of each row."""
    keys = np.concatenate(
        [(row.astype(np.uint64) << np.uint64(BITS)) | (hashes >> np.uint64(64 - BITS)) for row, hashes in found]
    )
    keys = distinct(keys)
    counts = np.bincount((keys >> np.uint64(BITS)).astype(np.int64), minlength=rows)
    values = (keys & np.uint64((1 << BITS) - 1)).astype(np.int32)
    return Ragged.of(values, counts)
