"""Which requests the server answers, and the files that it hands out; loaded with Bokeh."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bokeh.server.views.ws import WSHandler
from tornado.routing import Router
from tornado.web import Application, RedirectHandler, RequestHandler

if TYPE_CHECKING:
    from tornado.httputil import HTTPMessageDelegate, HTTPServerRequest

    from ffnn.play.hub import Hub


class _Refusal(RequestHandler):
    """Says no, and nothing else."""

    def prepare(self) -> None:
        """Answer any method."""
        self.set_status(403)
        self.finish("refused: this page is for the address that ffnn has printed\n")


class _Guard(Router):
    """Lets only those requests through that name this host and have the token."""

    def __init__(self, application: Application, token: str, hosts: Sequence[str]) -> None:
        self._application, self._token, self._hosts = application, token, hosts

    def find_handler(self, request: HTTPServerRequest, **kwargs: Any) -> HTTPMessageDelegate | None:
        """Return what answers the request."""
        origin = request.headers.get("Origin")
        is_ours = (
            request.host in self._hosts  # a name that a stranger's DNS leads here is another
            and (origin is None or origin in [f"http://{host}" for host in self._hosts])
            and hmac.compare_digest(_first_part(request.path).encode(), self._token.encode())
        )
        if not is_ours:
            return self._application.get_handler_delegate(request, _Refusal)
        if request.path == f"/{self._token}":  # from which links of the page would lead elsewhere
            url = {"url": f"{request.path}/"}
            return self._application.get_handler_delegate(request, RedirectHandler, url)
        return self._application.find_handler(request, **kwargs)


def _first_part(path: str) -> str:
    """Return what stands between the first two slashes of a path, which may have none."""
    return path.partition("/")[2].partition("/")[0]


def guarded(application: Application, token: str, hosts: Sequence[str]) -> Router:
    """Return an application that answers nobody else's requests."""
    return _Guard(application, token, hosts)


class _Connection(WSHandler):  # type: ignore[misc]
    """The connection of a page, on which no part of a frame waits for another one."""

    def open(self) -> None:
        """Begin, or close what is none of a page of ours."""
        self.set_nodelay(True)  # else each frame takes 40 ms more
        try:
            super().open()
        except Exception:  # of a request without Bokeh's own token, or with a wrong one
            self.close()


def connect_at_once(application: Application) -> None:
    """Have pages connect by `_Connection`."""
    for rule in application.wildcard_router.rules:
        if rule.target is WSHandler:
            rule.target = _Connection


class _Download(RequestHandler):
    """A file of the training as it is now."""

    def initialize(self, hub: Hub, name: str) -> None:
        """Know what to ask."""
        self.hub, self.name = hub, name

    async def get(self) -> None:
        """Send it."""
        content = await asyncio.wrap_future(self.hub.file(self.name))
        self.set_header("Content-Type", "application/octet-stream")
        self.set_header("Content-Disposition", f'attachment; filename="{self.name}"')
        self.set_header("Cache-Control", "no-store")
        self.finish(content)


def downloads(hub: Hub) -> list[Any]:
    """Return the patterns of all files."""
    return [(f"/{name}", _Download, {"hub": hub, "name": name}) for name in hub.files]
