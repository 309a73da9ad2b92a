"""Vision by the contract that every app keeps."""

from pathlib import Path

from PIL import Image

from tests.apps.vision.draw import write_classes
from tests.commands import CommandContract
from tests.contract import AppContract


class TestVision(AppContract, CommandContract):
    module = "apps.vision.app"
    name = "vision"
    dials = {"weights": "none", "epochs": 2, "batch_size": 8}
    loop_dials = {"epochs": 3, "patience": 0, "lr": 1e-2}
    flags = ["--weights", "none", "--epochs", "1"]
    unneeded = ("pandas", "timm", "torchvision")

    def write_source(self, folder: Path) -> Path:
        return write_classes(folder)

    def one_input(self, source: Path) -> Image.Image:
        with Image.open(source / "upright" / "000.png") as picture:
            return picture.copy()

    def command_input(self, source: Path) -> str:
        return str(source / "upright" / "001.png")
