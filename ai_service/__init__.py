"""Reads inquiries: category, sentiment, priority, language, facts, and a drafted reply. Stores nothing."""
