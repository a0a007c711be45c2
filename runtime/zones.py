"""Time zones by name. The database of zones comes with us (tzdata): a slim container has none."""

from zoneinfo import ZoneInfo

from runtime.rpc.errors import InvalidArgument


def zone_of(name: str) -> ZoneInfo:
    """The zone with this IANA name. Raises InvalidArgument (field time_zone)."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown, not a name, the name of a group of zones such as "America"
        raise InvalidArgument.field(
            "time_zone", "Must be the IANA name of a time zone, such as America/Bogota."
        ) from None
