"""The number formats that networks compute in, and that kept activations are stored in."""

from typing import Literal

Precision = Literal["auto", "float32", "bfloat16", "float16"]
FeatureFormat = Literal["auto", "float16", "bfloat16", "float32"]
BYTES = {"float16": 2, "bfloat16": 2, "float32": 4}
"""Bytes of a number in each."""
