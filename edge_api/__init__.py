"""The REST edge: JWT, roles, OpenAPI; every route validates, makes one gRPC call and converts."""
