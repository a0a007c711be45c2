"""One servicer per proto service; protobuf stops here."""
