"""Measure the embedded model, or any configured provider: make eval, or python -m ai_service.embedded.eval --help.

Without --data it trains heads that have not seen what they are measured on, from the corpus and, with --sources,
the public sets, and writes report.md and report.json. With --data it asks a provider as it is, about your own texts,
and writes eval.md and eval.json. POK_OPENAI_API_KEY, POK_OPENAI_BASE_URL and POK_OPENAI_MODEL say which openai is.
"""

import argparse
import asyncio
from pathlib import Path

from msgspec import MsgspecError

from ai_service.embedded.eval import asking, generalisation, report
from runtime.rpc.errors import RpcError
from runtime.settings import SettingsError


def main() -> None:
    """Measure, print, and write the report."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--sources", type=Path, metavar="DIR", help="where the public sets of the model card are")
    arguments.add_argument("--data", type=Path, metavar="FILE", help="JSON lines with text and category, as the corpus")
    arguments.add_argument(
        "--provider", choices=("embedded", "openai"), default="embedded", help="who answers for FILE"
    )
    arguments.add_argument("--out", type=Path, metavar="DIR", help="where the report goes")
    options = arguments.parse_args()
    if options.provider != "embedded" and not options.data:
        arguments.error("a provider is measured on your own texts: name them with --data (make eval DATA=…)")
    if options.data:
        try:
            tables = asyncio.run(asking.tables(options.data, options.provider))
        except (OSError, ValueError, MsgspecError, RpcError, SettingsError) as error:
            arguments.error(str(error))
        print(report.write(options.out or Path(), "eval", f"{options.provider} on {options.data.name}", tables))
    else:
        title = "How good the embedded model is on businesses that it has never seen"
        tables = generalisation.tables(options.sources) + asyncio.run(asking.shipped())
        print(report.write(options.out or Path(__file__).parent, "report", title, tables))


if __name__ == "__main__":
    main()
