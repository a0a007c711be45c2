"""What a failure has cost all the same: tokens and money, in the metadata of its error."""

from runtime.rpc.errors import RpcError

AMOUNTS = ("input_tokens", "output_tokens", "cost_micros")
"""The keys of the metadata, where they are above 0; cost in millionths of the currency of the prices."""


def spent(error: RpcError) -> dict[str, int]:
    """Each of AMOUNTS."""
    said = {name: error.metadata.get(name, "") for name in AMOUNTS}
    return {name: int(number) if number.isdecimal() else 0 for name, number in said.items()}
