"""`pok`, the command line."""

import argparse
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from runtime.settings import Secret, SettingsError, load
from runtime.stack.credentials import Credentials, CredentialsError
from runtime.stack.doctor import examine
from runtime.stack.folder import CREDENTIALS, FolderError
from runtime.stack.ports import PortTakenError
from runtime.stack.postgres import owner_url, service_url
from runtime.stack.secret_files import make as make_secrets
from runtime.stack.services import Ports
from runtime.stack.up import UpSettings, up

SERVICES = {"inquiry": "inquiry_service", "ai": "ai_service", "worker": "worker", "edge": "edge_api"}
ENVIRONMENT = """\
POK_DATA_DIR (default .pok) and POK_PORT (default 8000; POK uses the four after it too) are enough to run
two installations side by side. Every variable is described in .env.example.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit status. Whatever a person can mend ends in one sentence, not in a traceback."""
    chosen, rest = _parser().parse_known_args(arguments)
    if rest and not chosen.passes_on:
        _parser().error(f"unrecognized arguments: {' '.join(rest)}")
    try:
        return int(chosen.run(chosen, rest))
    except (SettingsError, FolderError, CredentialsError, PortTakenError) as error:
        print(f"pok: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="pok", description="The inbox that reads before you do.", epilog=ENVIRONMENT)
    parser.set_defaults(passes_on=False)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    commands.add_parser("up", help="run the whole system on this machine").set_defaults(run=_up)
    for name, does in (
        ("migrate", "bring the database to the newest schema"),
        ("create-admin", "add an administrator"),
        ("demo", "fill a running POK with two months of made-up inquiries, or take them away (--remove)"),
    ):
        command = commands.add_parser(name, help=does, add_help=False)
        command.set_defaults(run=_inquiry_command, name=name, passes_on=True)
    serve = commands.add_parser("serve", help="run one service, with Postgres and Redis given by the environment")
    serve.add_argument("service", choices=SERVICES)
    serve.set_defaults(run=_serve)
    health = commands.add_parser("health", help="ask one server whether it serves (exit status 0 or 1)")
    health.add_argument("address", help="host:port of the inquiry or the AI service, or an address with http://")
    health.set_defaults(run=_health)
    _add_transfer(commands)
    commands.add_parser("doctor", help="say what is wrong and what to do").set_defaults(run=_doctor)
    secrets = commands.add_parser("secrets", help="make the files with the secrets that compose.yaml hands out")
    secrets.add_argument("folder", type=Path)
    secrets.set_defaults(run=_secrets)
    commands.add_parser("debug-token", help="print a 15-minute read-only token for grpcurl").set_defaults(run=_token)
    commands.add_parser("version", help="print the version").set_defaults(run=_version)
    return parser


def _add_transfer(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    whom = argparse.ArgumentParser(add_help=False)
    whom.add_argument("--url", help="where POK runs (default http://127.0.0.1:$POK_PORT)", default="")
    whom.add_argument("--email", help="of an administrator, whose password is asked for, unless POK_TOKEN is set")
    import_ = commands.add_parser("import", parents=[whom], help="import inquiries from a .csv or .jsonl file")
    import_.add_argument("file", type=Path)
    import_.add_argument("--triage", action="store_true", help="have them analysed, after everything else")
    import_.set_defaults(run=_import)
    export = commands.add_parser("export", parents=[whom], help="export inquiries")
    export.add_argument("--format", choices=("csv", "jsonl"), default="csv")
    export.add_argument("--filter", default="", metavar="QUERY", help="as for the list, such as status=open&tag=vip")
    export.add_argument("-o", "--output", type=Path, metavar="FILE", help="default: standard output")
    export.set_defaults(run=_export)


def _import(chosen: argparse.Namespace, _rest: list[str]) -> int:
    from runtime.transfer import import_file  # brings HTTP with it, which the other commands need not wait for

    return import_file(chosen.file, url=_url(chosen), email=chosen.email or "", triage=chosen.triage)


def _export(chosen: argparse.Namespace, _rest: list[str]) -> int:
    from runtime.transfer import export_file  # brings HTTP with it, which the other commands need not wait for

    query = "&".join(filter(None, (f"format={chosen.format}", chosen.filter)))
    return export_file(query, chosen.output, url=_url(chosen), email=chosen.email or "")


def _url(chosen: argparse.Namespace) -> str:
    return chosen.url or f"http://127.0.0.1:{load(UpSettings).port}"


def _up(_chosen: argparse.Namespace, _rest: list[str]) -> int:
    return up(load(UpSettings))


def _inquiry_command(chosen: argparse.Namespace, rest: list[str]) -> int:
    if not (os.environ.get("POK_DATABASE_URL") or os.environ.get("POK_DATABASE_URL_FILE")):
        settings = load(UpSettings)
        credentials = Credentials.read(settings.data_dir / CREDENTIALS)
        port = Ports.after(settings.port).postgres
        os.environ["POK_DATABASE_URL"] = service_url(port, credentials.database_service_password)
        if chosen.name in {"migrate", "demo"}:
            os.environ["POK_MIGRATION_DATABASE_URL"] = owner_url(port, credentials.database_password)
    return _become("inquiry_service", chosen.name, *rest)


def _serve(chosen: argparse.Namespace, _rest: list[str]) -> int:
    return _become(SERVICES[chosen.service])


def _become(package: str, *arguments: str) -> int:
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-P", "-m", package, *arguments])  # noqa: S606


def _doctor(_chosen: argparse.Namespace, _rest: list[str]) -> int:
    findings = list(examine(load(UpSettings)))
    for finding in findings:
        print(f"{'ok ' if finding.well else 'BAD'}  {finding.about:15} {finding.state}")
        if finding.advice:
            print(f"     {'':15} {finding.advice}")
    return 0 if all(finding.well for finding in findings) else 1


def _health(chosen: argparse.Namespace, _rest: list[str]) -> int:
    from runtime.rpc.health import answers, serves  # brings gRPC with it, which other commands need not wait for

    serving = answers(chosen.address) if "://" in chosen.address else serves(chosen.address)
    print("serving" if serving else "not serving")
    return 0 if serving else 1


def _secrets(chosen: argparse.Namespace, _rest: list[str]) -> int:
    for name in make_secrets(chosen.folder):
        print(f"made {chosen.folder / name}")
    return 0


def _token(_chosen: argparse.Namespace, _rest: list[str]) -> int:
    from runtime.rpc.tokens import mint_debug_token  # brings gRPC with it, which the other commands need not wait for

    credentials = Credentials.read(load(UpSettings).data_dir / CREDENTIALS)
    print(mint_debug_token(Secret(credentials.debug_key)))
    return 0


def _version(_chosen: argparse.Namespace, _rest: list[str]) -> int:
    print(f"pok {version('pok')}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
