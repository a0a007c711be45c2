"""Queries; rows stop here."""
