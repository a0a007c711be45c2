"""What a path can do, for those who ask with OPTIONS."""

from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send


class Options(ASGIMiddleware):
    """Names every method of the path.

    Litestar's own answer names only those of the handler that was registered first.
    """

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Answer 204 with the header Allow."""
        if scope["method"] != "OPTIONS":  # type: ignore[typeddict-item] # HTTP only
            await next_app(scope, receive, send)
            return
        routes = [route for route in scope["litestar_app"].routes if route.path_format == scope["path_template"]]
        methods = {method for route in routes for method in route.methods}
        headers = [(b"allow", ", ".join(sorted(methods)).encode())]
        await send({"type": "http.response.start", "status": 204, "headers": headers})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
