"""Refuse every request that does not come from the page itself, opened with the address that the program printed.

A loopback address alone keeps nobody out. Any page in the same browser can send requests to it, a name of its own that
it lets point to 127.0.0.1 makes it the same origin (DNS rebinding), and so can any other user of the machine. So a
request needs the token in a cookie that other sites cannot send, a Host header of the server's own, and, if it changes
anything, an Origin of the server's own.
"""

import hmac
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Nothing is loaded from elsewhere, no script or style stands in the page, and no other page may frame it.
CONTENT_SECURITY_POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_REFUSAL = "Refused: open the page with the address that cellflag review printed in the terminal."


class Guard:
    """Passes only the requests of the page itself on to an application, and adds ``HEADERS`` to its answers."""

    def __init__(self, application: ASGIApp, port: int, token: str) -> None:
        """Guard an application that listens on a port of 127.0.0.1; the cookie's value is ``token``."""
        self._application = application
        self._token = token
        self._hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}
        # Cookies do not know ports, so two servers on one machine need two names.
        self._cookie = f"cellflag_review_{port}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request: pass it on, exchange the token of the address for a cookie, or refuse it."""
        if scope["type"] != "http":
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        headers = Headers(scope=scope)
        if not self._is_own(scope["method"], headers):
            await PlainTextResponse(_REFUSAL, 403)(scope, receive, send_with_headers)
        elif self._has_cookie(headers):
            await self._application(scope, receive, send_with_headers)
        elif scope["path"] == "/" and scope["method"] == "GET" and self._has_token(scope):
            answer = RedirectResponse("/", 303)
            answer.set_cookie(self._cookie, self._token, httponly=True, samesite="strict", path="/")
            await answer(scope, receive, send_with_headers)
        else:
            await PlainTextResponse(_REFUSAL, 403)(scope, receive, send_with_headers)

    def _is_own(self, method: str, headers: Headers) -> bool:
        """Whether the request names this server, and is sent by its own page if it may change anything."""
        if headers.get("host") not in self._hosts or len(headers.getlist("host")) != 1:
            return False
        origin = headers.get("origin")
        if origin is not None and origin != f"http://{headers['host']}":
            return False
        if method in ("GET", "HEAD"):
            return True
        # A browser sends an Origin with every POST. A form of another site cannot send JSON.
        return origin is not None and headers.get("content-type", "").partition(";")[0] == "application/json"

    def _has_cookie(self, headers: Headers) -> bool:
        try:
            cookies = SimpleCookie(headers.get("cookie", ""))
        except CookieError:
            return False
        return self._cookie in cookies and self._is_token(cookies[self._cookie].value)

    def _has_token(self, scope: Scope) -> bool:
        values = parse_qs(scope["query_string"].decode("latin-1")).get("token", [])
        return len(values) == 1 and self._is_token(values[0])

    def _is_token(self, value: str) -> bool:
        return hmac.compare_digest(value.encode(), self._token.encode())
