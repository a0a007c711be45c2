"""The measurements that the documents quote; `make bench` runs most of them, and each says by which command."""

import ai_service.embedded  # noqa: F401 - so that the model has as many threads here as in its service
