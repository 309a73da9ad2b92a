"""Pictures of every kind become the same square of bytes."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from apps.vision.decoding import decode
from apps.vision.pictures import load_pictures, survey


def halves(width: int = 60, height: int = 40) -> Image.Image:
    """Red on the left, blue on the right."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[:, : width // 2, 0], pixels[:, width // 2 :, 2] = 255, 255
    return Image.fromarray(pixels)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "HSV", "I", "F"])
def test_every_mode_is_decoded(mode: str) -> None:
    picture = halves().convert("L").convert(mode) if mode in ("PA", "I", "F", "LA") else None
    if picture is None:
        picture = Image.new("LAB", (60, 40)) if mode == "LAB" else halves().convert(mode)
    square = decode(picture, 16)
    assert square.shape == (16, 16, 3) and square.dtype == np.uint8


@pytest.mark.parametrize(
    ("suffix", "mode"), [(".jpg", "CMYK"), (".jpg", "L"), (".gif", "P"), (".webp", "RGB"), (".tif", "RGB")]
)
def test_colours_survive_the_file(tmp_path: Path, suffix: str, mode: str) -> None:
    path = tmp_path / f"picture{suffix}"
    halves().convert(mode).save(path)
    square = decode(path, 8).astype(int)
    if mode == "L":
        assert (square[..., 0] == square[..., 2]).all() and square[4, 1, 0] > square[4, 6, 0]
    else:
        assert square[4, 1, 0] > 150 > square[4, 1, 2] and square[4, 6, 2] > 150 > square[4, 6, 0]


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif"])
def test_orientation_is_followed(tmp_path: Path, suffix: str) -> None:
    """Orientation 6: stored on its side, to be turned clockwise, so the left goes to the top. Pillow turns TIFF by itself."""
    exif = Image.Exif()
    exif[0x0112] = 6
    path = tmp_path / f"turned{suffix}"
    halves().save(path, exif=exif, quality=95)
    square = decode(path, 8).astype(int)
    assert square[1, 4, 0] > 150 and square[6, 4, 2] > 150


def test_transparency_lies_on_white() -> None:
    assert (decode(Image.new("RGBA", (9, 9), (0, 0, 0, 0)), 9) == 255).all()


def test_sixteen_bits_become_eight(tmp_path: Path) -> None:
    ramp = np.linspace(0, 65535, 64).astype(np.uint16).reshape(8, 8)
    Image.fromarray(ramp).save(tmp_path / "deep.png")
    square = decode(tmp_path / "deep.png", 8)[..., 0].astype(int)
    assert square[0, 0] == 0 and square[7, 7] == 255 and abs(square[3, 7] - ramp[3, 7] / 257) <= 1


@pytest.mark.parametrize("kind", [np.uint16, np.int32])
def test_twelve_bits_in_sixteen_become_eight(tmp_path: Path, kind: type) -> None:
    """As cameras and medical devices write them: taken for 16 bits they would be 17 shades of black."""
    ramp = np.linspace(0, 4000, 64).astype(kind).reshape(8, 8)
    Image.fromarray(ramp).save(tmp_path / "deep.tif")
    square = decode(tmp_path / "deep.tif", 8)[..., 0].astype(int)
    assert (abs(square - ramp / 4095 * 255) <= 1).all()


@pytest.mark.parametrize(
    ("dark", "bright", "white"), [(200, 3000, 4095), (3000, 5000, 65535), (0.2, 0.5, 1), (0.5, 90, 255)]
)
def test_a_set_of_more_than_eight_bits_has_one_white(tmp_path: Path, dark: float, bright: float, white: float) -> None:
    """By each picture's own greatest value 4,000 would be shown brighter than 5,000."""
    paths = [tmp_path / "dark.tif", tmp_path / "bright.tif", tmp_path / "plain.png"]
    for value, path in zip((dark, bright), paths, strict=False):
        Image.fromarray(np.full((8, 8), value, np.float32 if white <= 255 else np.uint16)).save(path)
    halves().convert("L").save(paths[2])
    seen = survey(paths)
    assert seen.white == white and seen.grey and survey(paths[2:]).white is None
    shown = load_pictures(paths[:2], ["dark", "bright"], 8, seen.white).store[:, 4, 4, 0]
    assert shown.tolist() == [round(dark / white * 255), round(bright / white * 255)]


def test_centre_of_an_oblong_is_taken() -> None:
    oblong = np.zeros((10, 30, 3), np.uint8)
    oblong[:, 10:20] = 255
    assert (decode(Image.fromarray(oblong), 10) == 255).all()


def test_large_jpeg_is_decoded_small(tmp_path: Path) -> None:
    halves(6000, 4000).save(tmp_path / "large.jpg")
    square = decode(tmp_path / "large.jpg", 32).astype(int)
    assert square[16, 4, 0] > 200 and square[16, 28, 2] > 200


def test_bomb_and_truncated_file_raise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    halves(600, 400).save(tmp_path / "whole.jpg")
    (tmp_path / "cut.jpg").write_bytes((tmp_path / "whole.jpg").read_bytes()[:1500])
    with pytest.raises(OSError):
        decode(tmp_path / "cut.jpg", 16)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(Image.DecompressionBombError):
        decode(tmp_path / "whole.jpg", 16)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
def test_a_damaged_note_of_the_orientation_costs_no_picture(tmp_path: Path, suffix: str) -> None:
    halves().save(tmp_path / f"a{suffix}", exif=b"Exif\0\0" + b"\x99" * 50)
    assert decode(tmp_path / f"a{suffix}", 8)[4, 1, 0] > 150
