"""`python -m inquiry_service [serve | migrate | create-admin … | demo …]`."""

import asyncio
import sys

from inquiry_service.settings import InquirySettings, MigrationSettings
from runtime import process, settings, telemetry, tracing


def serve() -> process.Main:
    """Build the service from its settings."""
    from inquiry_service.app import InquiryService  # the one-shot commands start without it

    chosen = settings.load(InquirySettings)
    telemetry.configure("inquiry", chosen.log_level)

    async def main(stop: asyncio.Event) -> None:
        with tracing.exported("inquiry"):
            service = InquiryService(chosen)
            await service.start()
            process.ready()
            try:
                await service.until(stop)
            finally:
                await service.stop()

    return main


def migrate() -> None:
    """Bring the database to the newest schema."""
    from inquiry_service.migrations import roles, run

    try:
        chosen = settings.load(MigrationSettings)
        run.upgrade(chosen.migration_database_url or chosen.database_url, chosen.database_url)
    except (settings.SettingsError, roles.RoleError) as error:
        sys.exit(str(error))


def main() -> None:
    """Dispatch on the first argument."""
    match sys.argv[1:]:
        case [] | ["serve"]:
            process.run(serve)
        case ["migrate"]:
            migrate()
        case ["doctor"]:
            from inquiry_service import doctor

            doctor.main()
        case ["create-admin", *arguments]:
            from inquiry_service import create_admin

            sys.exit(create_admin.main(arguments))
        case ["demo", *arguments]:
            from inquiry_service.demo import command

            sys.exit(command.main(arguments))
        case _:
            sys.exit("usage: python -m inquiry_service [serve | migrate | create-admin … | demo …]")


if __name__ == "__main__":
    main()
