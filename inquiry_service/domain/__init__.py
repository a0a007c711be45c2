"""Rules and operations: what may happen to an inquiry, each operation in one transaction."""
