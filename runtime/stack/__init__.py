"""`pok up`: the whole system on one machine."""
