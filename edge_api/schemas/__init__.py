"""What the REST API accepts and answers, as msgspec Structs."""
