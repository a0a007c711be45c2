"""The role under which the service works: it reads and writes rows, and can change neither the schema nor the logs."""

from typing import Any

from sqlalchemy import make_url

# Any constant will do; it only has to be the same for every migrator.
MIGRATION_LOCK = 7_065_107

APPEND_ONLY = ("event", "audit")
BOOKKEEPING = "alembic_version"

_GRANTS = (
    "grant usage on schema public to {role}",
    "grant select, insert, update, delete on all tables in schema public to {role}",
    *(f"revoke update, delete on {table} from {{role}}" for table in APPEND_ONLY),
    f"revoke insert, update, delete on {BOOKKEEPING} from {{role}}",
)


class RoleError(Exception):
    """The service's role is not there and cannot be made; the message says what to do."""


async def grant(connection: Any, service_url: str) -> None:
    """Give the role of `service_url` what it needs in the owner's database, after making it if it is not there.

    Does nothing where both are the same role. Raises RoleError.
    """
    service = make_url(service_url)
    if service.username == await connection.fetchval("select current_user"):
        return
    async with connection.transaction():
        await connection.execute(f"select pg_advisory_xact_lock({MIGRATION_LOCK})")
        await _ensure(connection, service.username, service.password)
        role = await connection.fetchval("select quote_ident($1)", service.username)
        for statement in _GRANTS:
            await connection.execute(statement.format(role=role))


async def _ensure(connection: Any, name: str | None, password: str | None) -> None:
    if await connection.fetchval("select true from pg_roles where rolname = $1", name):
        return
    # Asked first: Postgres would log the failing statement with its password.
    if not await connection.fetchval("select rolsuper or rolcreaterole from pg_roles where rolname = current_user"):
        raise RoleError(f"The database has no role {name}, and the migrating one may not make it: create it first.")
    create = "select format('create role %I login password %L', $1::text, $2::text)"
    await connection.execute(await connection.fetchval(create, name, password))
