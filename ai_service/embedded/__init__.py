"""The model that needs no key and no network: a sentence encoder from a wheel and small heads trained here."""

import os

# Before numpy is imported: shared among threads, products as small as ours mostly wait for each other.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
