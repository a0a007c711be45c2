"""Valkey as its clients see it."""

from redis.exceptions import RedisError

AWAY = (RedisError, OSError, RuntimeError)
"""What they raise when it does not answer. A timeout is an OSError; RuntimeError is uvloop's word for a connection that
was reset."""
