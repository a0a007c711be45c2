"""One module per part of the API; a route validates, makes one call and converts."""
