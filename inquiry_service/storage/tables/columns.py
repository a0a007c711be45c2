"""What the tables have in common."""

from sqlalchemy import Column, DateTime, MetaData, Uuid, text
from sqlalchemy.types import UserDefinedType


class Xid8(UserDefinedType[int]):
    """Postgres' 64-bit transaction id."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        """Its SQL name."""
        return "XID8"


class Halfvec(UserDefinedType[bytes]):
    """pgvector's half-precision vector."""

    cache_ok = True

    def __init__(self, dimensions: int) -> None:
        self.dimensions = dimensions

    def get_col_spec(self, **_: object) -> str:
        """Its SQL name."""
        return f"HALFVEC({self.dimensions})"


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    }
)


def id_column(name: str = "id") -> Column[object]:
    """A UUIDv7 that the database makes."""
    return Column(name, Uuid, primary_key=True, server_default=text("uuidv7()"))


def time_column(name: str) -> Column[object]:
    """A time in UTC; now, unless the writer says otherwise."""
    return Column(name, DateTime(timezone=True), nullable=False, server_default=text("now()"))
