"""Reads inquiries: category, sentiment, priority, language, facts, and a drafted reply. Stores nothing."""

import os

# Before gRPC is imported: it would take the start of the encoder for a fork of itself, and log that it cannot follow.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
