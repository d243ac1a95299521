"""The orders of an online shop: what happened, where they came from, and what was sold."""

__all__: list[str] = []
