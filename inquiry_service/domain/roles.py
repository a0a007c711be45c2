"""What roles may do beyond what the edge lets them ask for: every operation checks again."""

from runtime.rpc.context import Principal
from runtime.rpc.errors import PermissionDenied


def require_admin(principal: Principal) -> None:
    """Raise PermissionDenied unless an administrator calls."""
    if principal.role != "admin":
        raise PermissionDenied("This is for admins only.")


def require_staff(principal: Principal) -> None:
    """Raise PermissionDenied unless support or an administrator calls."""
    if not principal.is_staff:
        raise PermissionDenied("This is for staff only.")


def require_signed_in(principal: Principal) -> None:
    """Raise PermissionDenied unless somebody with an account calls."""
    if principal.role == "anonymous":
        raise PermissionDenied("This is for those who are logged in.")
