"""Synthetic chest phantoms for tests, demonstrations and benchmarks. They carry no medical meaning."""

from sample_data.phantom import Disease, Phantom
from sample_data.radiograph import draw

__all__ = ["Disease", "Phantom", "draw"]
