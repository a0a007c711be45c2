"""How good the embedded model is, and any other provider: `make eval`."""

from pathlib import Path

PARALLEL = Path(__file__).parent / "parallel.jsonl"
"""The same messages in Spanish and English, none of which was learnt from."""
