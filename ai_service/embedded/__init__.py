"""The model that needs no key and no network: a sentence encoder from a wheel and small heads trained here."""
