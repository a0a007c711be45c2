"""Serving and dialling gRPC: identity, deadlines, typed errors, request ids."""
