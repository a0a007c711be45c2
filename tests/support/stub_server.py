"""What test stubs of services share: a real gRPC server that goes and comes back on the same port."""

from typing import Any, ClassVar

from runtime.rpc.server import RpcServer
from tests.support.tokens import service_tokens


class StubServer:
    """Serves the servicer that extends it; `register` is the generated function that adds it to a server."""

    service: ClassVar[str]
    register: ClassVar[Any]

    def __init__(self, port: int = 0) -> None:
        self.port = port
        self._server: RpcServer | None = None

    @property
    def address(self) -> str:
        """Where to dial it; the port stays the same over restarts."""
        return f"127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Serve."""
        add = type(self).register
        self._server = RpcServer(
            self.address, service_tokens(), [(self.service, lambda server: add(self, server))], reflect=False
        )
        self.port = self._server.port
        await self._server.start()
        await self._server.serving()

    async def stop(self) -> None:
        """Go away without waiting for calls in flight; a no-op when it is away already."""
        if self._server:
            await self._server.stop(0)
        self._server = None
