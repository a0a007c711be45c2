"""Lighthouse, locked by its own package.json: nobody else needs it."""
