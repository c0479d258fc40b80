"""ELAN annotations as a dataset of signcore, and what was recognised back into them."""

from signcore_elan.captions import add_tier

__all__ = ["add_tier"]
