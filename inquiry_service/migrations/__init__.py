"""The schema's history, run by `pok migrate`."""
