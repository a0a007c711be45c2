"""Inquiries, conversations, accounts and the triage queue of record; the only process that knows the database."""
