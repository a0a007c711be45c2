"""Changes of what is no longer as it was read."""

from runtime.rpc.errors import FailedPrecondition


def require(version: int, if_version: int) -> None:
    """Let pass what was made for this version, or for any (0). Raises FailedPrecondition (VERSION_MISMATCH)."""
    if if_version not in (0, version):
        raise FailedPrecondition("Somebody else has changed it meanwhile.", reason="VERSION_MISMATCH")
