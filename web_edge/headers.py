"""What every answer of the edge says to the browser, refusals too.

Nothing is loaded from elsewhere, nothing inline runs, no page may be shown inside another's, and what is made
into a script's address goes through the one policy `zk-pages` (Trusted Types). The camera is the only thing
of the device that a page may ask for.
"""

from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from consortium.serving import plain
from web_edge.origins import Origins

_POLICY: Final = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "font-src 'self'",
    "connect-src 'self'",
    "manifest-src 'self'",
    "worker-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types zk-pages",
)
CONTENT_SECURITY_POLICY: Final = "; ".join(_POLICY)
_DENIED: Final = (
    "accelerometer", "autoplay", "display-capture", "encrypted-media", "geolocation",
    "gyroscope", "hid", "magnetometer", "microphone", "midi", "payment", "serial", "usb",
)  # fmt: skip
HEADERS: Final = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Origin-Agent-Cluster": "?1",
    "Permissions-Policy": ", ".join(["camera=(self)", *(f"{each}=()" for each in _DENIED)]),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-DNS-Prefetch-Control": "off",
    "X-Frame-Options": "DENY",
}
STRICT_TRANSPORT: Final = "max-age=31536000"


class Guarded:
    """An application behind the check of the name it is called by, with these headers on all its answers."""

    def __init__(self, app: ASGIApp, origins: Origins) -> None:
        self._app, self._origins = app, origins
        self._headers = HEADERS | ({"Strict-Transport-Security": STRICT_TRANSPORT} if origins.secure else {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""

        async def headed(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(self._headers)
            await send(message)

        known = scope["type"] == "http" and self._origins.knows(Headers(scope=scope).get("host", ""))
        answer: ASGIApp = self._app if known else plain(421, "this server has another name")
        await answer(scope, receive, headed)
