"""Hypothesis's profiles; the name in ``HYPOTHESIS_PROFILE`` decides, else whether this is CI."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# Slow machines and coverage make single examples slow; a time is never what a test asserts.
_COMMON = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

settings.register_profile("dev", _COMMON, max_examples=50)
# The same examples in every run, and a line to paste where one fails.
settings.register_profile(
    "ci", _COMMON, max_examples=60, derandomize=True, print_blob=True, database=None
)
settings.register_profile("deep", _COMMON, max_examples=5_000, print_blob=True)
settings.load_profile(
    os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "dev")
)
