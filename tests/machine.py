"""What tests may ask of the machine that they run on: where there is a GPU, the suite runs on it."""

import torch

ROUNDING = 1e-5 if torch.cuda.is_available() else 0.0
"""By how much two runs of one seed may differ: a GPU adds up in no fixed order."""
