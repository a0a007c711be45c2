"""Two months of inquiries to look at, and to be taken away again."""
