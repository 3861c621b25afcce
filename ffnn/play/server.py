"""The server of the page: for this machine alone, and for those who know its address."""

from __future__ import annotations

import asyncio
import errno
import importlib
import logging
import os
import secrets
import socket
import sys
import threading
import time
import webbrowser
from collections.abc import Callable
from functools import partial

from ffnn.core.console import flush, show
from ffnn.play.director import Director
from ffnn.play.hub import Hub
from ffnn.play.snapshot import PAUSED, RUNNING

ADDRESS = "127.0.0.1"
FIRST_PORT = 5006
_PORTS = 50  # that are tried, one after the other
_LAST_SECONDS = 0.1
_SECONDS = 5.0  # that a page may be gone before it is forgotten
_ALONE_SECONDS = 120.0  # without a page, after which a server may end


class Server:
    """Shows the pages of a hub, from a thread of its own.

    Only this machine reaches it, under an address with a random token. Requests that name another
    host or come from another page are refused, so that no web site can use it by way of the
    browser.

    Parameters
    ----------
    hub : Hub
        What is shown.
    port : int, default 5006
        The first one to try; if it is in use, the next free one is taken.
    may_end : bool, default False
        Whether it ends once the training is over and no page was open for two minutes.

    Attributes
    ----------
    url : str
        The address of the page.

    Raises
    ------
    ImportError
        Bokeh is not installed.
    OSError
        None of 50 ports is free.
    """

    def __init__(self, hub: Hub, port: int = FIRST_PORT, *, may_end: bool = False) -> None:
        require_bokeh()
        self.hub, self._may_end = hub, may_end
        self.token = secrets.token_urlsafe(24)
        self._socket = _bind(port)
        self.port: int = self._socket.getsockname()[1]
        self.is_moved = self.port != port
        self.url = f"http://{ADDRESS}:{self.port}/{self.token}/"
        self._loop: asyncio.AbstractEventLoop | None = None
        self._has_begun, self._end = threading.Event(), asyncio.Event()
        self._thread = threading.Thread(target=self._work, name="ffnn-play-server", daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()
        self._has_begun.wait()

    def stop(self) -> None:
        """End; open pages say that they are no longer connected."""
        if self._loop is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._end.set)
            self._thread.join()

    @property
    def is_open(self) -> bool:
        """Whether it answers."""
        return self._thread.is_alive() and not self._end.is_set()

    def wait(self) -> None:
        """Wait for Ctrl-C."""
        try:
            while self._thread.is_alive():
                self._thread.join(0.5)
        except KeyboardInterrupt:
            pass

    # -- the thread ----------------------------------------------------------------------------

    def _work(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        from bokeh.application import Application
        from bokeh.application.handlers import FunctionHandler
        from bokeh.server.server import BaseServer
        from bokeh.server.tornado import BokehTornado
        from tornado.httpserver import HTTPServer
        from tornado.ioloop import IOLoop

        from ffnn.play.requests import connect_at_once, downloads, guarded

        _leave_out_lost_pages()
        loop = self._loop = asyncio.get_running_loop()
        hosts = [f"{name}:{self.port}" for name in (ADDRESS, "localhost")]
        application = BokehTornado(
            {"/": Application(FunctionHandler(self.hub.open))},
            prefix=self.token,
            extra_patterns=downloads(self.hub),
            extra_websocket_origins=hosts,
            use_index=False,
            redirect_root=False,
            check_unused_sessions_milliseconds=1000,
            unused_session_lifetime_milliseconds=int(1000 * _SECONDS),
        )
        connect_at_once(application)
        http = HTTPServer(guarded(application, self.token, hosts))
        http.add_socket(self._socket)
        server = BaseServer(IOLoop.current(), application, http)
        server.start()
        self.hub.call_soon = partial(_soon, loop)
        self.hub.call_later = loop.call_later
        self._has_begun.set()
        if self._may_end:
            self._end_alone(loop, time.monotonic())
        await self._end.wait()
        self.hub.call_soon = lambda function: None
        self.hub.call_later = lambda seconds, function: None
        self.hub.tabs.clear()
        await asyncio.sleep(_LAST_SECONDS)  # for what is on its way to a page
        server.stop()
        await http.close_all_connections()

    def _end_alone(self, loop: asyncio.AbstractEventLoop, since: float) -> None:
        """End if the training is over and nobody has looked for long, or see again later."""
        now = time.monotonic()
        if self.hub.tabs or self.hub.director.state in (PAUSED, RUNNING):
            since = now
        if now - since > _ALONE_SECONDS:
            self._end.set()
        else:
            loop.call_later(min(1.0, _ALONE_SECONDS), self._end_alone, loop, since)


def _soon(loop: asyncio.AbstractEventLoop, function: Callable[[], None]) -> None:
    loop.call_soon_threadsafe(function)


def _leave_out_lost_pages() -> None:
    """Have the servers' libraries say nothing of pages that have gone."""
    for name in ("bokeh.server.views.ws", "tornado.access"):
        logging.getLogger(name).setLevel(logging.ERROR)
    for name in ("bokeh.server.protocol_handler", "tornado.application"):
        logging.getLogger(name).addFilter(_is_news)


def _is_news(record: logging.LogRecord) -> bool:
    """Tell whether an error is none of those that Bokeh raises for a page that went at once.

    It asserts that a connection which is lost has its session, and both are gone by then.
    """
    _, error, trace = record.exc_info or (None, None, None)
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = "" if trace is None else trace.tb_frame.f_globals.get("__name__", "")
    return not (isinstance(error, AssertionError) and place.startswith("bokeh."))


def require_bokeh() -> None:
    """Raise ImportError with the line that installs Bokeh, if it is missing."""
    try:
        importlib.import_module("bokeh.server.server")
    except ImportError as error:
        raise ImportError(
            "a live page needs Bokeh, which is not installed: pip install 'ffnn[html]'"
        ) from error


def serve(
    director: Director,
    seconds: float,
    title: str,
    port: int,
    *,
    browser: bool,
    may_end: bool = False,
) -> Server:
    """Show a training on a page, print its address, and open it where there is a browser."""
    server = Server(Hub(director, seconds, title), port, may_end=may_end)
    server.start()
    if server.is_moved:
        show(f"port {port} is in use: port {server.port} is taken")
    show(f"watch it at {server.url}")
    flush()
    if browser and _has_screen():
        webbrowser.open(server.url)
    return server


def _has_screen() -> bool:
    """Tell whether a browser with windows can be opened, and no one that takes the terminal."""
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _bind(port: int) -> socket.socket:
    """Return a socket at `port`, or at the next one that is free."""
    for number in range(port, min(port + _PORTS, 1 << 16)):
        bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            if sys.platform != "win32":  # where it would share the port
                bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind((ADDRESS, number))
            bound.listen(128)
        except OSError as error:
            bound.close()
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise
        else:
            bound.setblocking(False)
            return bound
    raise OSError(f"none of the ports {port} to {port + _PORTS - 1} is free; give another --port")
