"""What every answer says to the browser, and whose requests are heard: those of the site's own page."""

from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; "
        "trusted-types 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
STRICT_TRANSPORT: Final = "max-age=31536000"


class Guarded:
    """An application that hears requests for its own name, and changes something for its own page alone."""

    def __init__(self, app: ASGIApp, origin: str) -> None:
        parts = urlsplit(origin)
        self._app, self._origin, self._host = app, origin.lower(), parts.netloc.lower()
        strict = {"Strict-Transport-Security": STRICT_TRANSPORT} if parts.scheme == "https" else {}
        self._headers = HEADERS | strict

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return

        async def headed(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(self._headers)
            await send(message)

        refused = self._refused(scope)
        answer: ASGIApp = JSONResponse({"reason": refused[1]}, refused[0]) if refused else self._app
        await answer(scope, receive, headed)

    def _refused(self, scope: Scope) -> tuple[int, str] | None:
        headers = Headers(scope=scope)
        if scope["type"] != "http" or headers.get("host", "").lower() != self._host:
            return 421, "NOT_THIS_SITE"
        own = headers.get("sec-fetch-site", "same-origin") in {"same-origin", "none"}
        if scope["method"] not in {"GET", "HEAD"}:
            own = own and headers.get("origin", "").lower() == self._origin
        elif not scope["path"].startswith("/enrolment"):
            own = True  # the page itself may be linked from anywhere
        return None if own else (403, "NOT_THIS_ORIGIN")
