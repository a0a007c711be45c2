"""Consumers of the event log: everything that is derived."""
