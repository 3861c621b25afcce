"""The server answers this machine alone, and only those who know the address."""

import http.client
import logging
import socket
import sys
import threading
from contextlib import closing

import pytest
from play_tools import wait_for

pytest.importorskip("bokeh", reason="needs Bokeh: pip install 'ffnn[html]'")

from ffnn import load_model
from ffnn.play.hub import Hub
from ffnn.play.server import ADDRESS, Server, _is_news, serve
from ffnn.play.settings import Settings


@pytest.fixture
def server(start):
    server = Server(Hub(start(), 0.02, "a page"), 5600)
    server.start()
    yield server
    server.stop()


def ask(server, path=None, method="GET", **headers):
    """Return status and content of what the server answers."""
    connection = http.client.HTTPConnection(ADDRESS, server.port, timeout=20)
    connection.putrequest(method, f"/{server.token}/" if path is None else path, skip_host=True)
    for name, value in ({"Host": f"{ADDRESS}:{server.port}"} | headers).items():
        connection.putheader(name, value)
    connection.endheaders()
    with closing(connection), connection.getresponse() as answer:
        return answer.status, answer.read()


def is_open(address, port):
    """Tell whether somebody listens there."""
    with socket.socket() as tried:
        tried.settimeout(1)
        return tried.connect_ex((address, port)) == 0


def upgrade(server, **headers):
    """Return the status of a request for a web socket."""
    asked = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    return ask(server, f"/{server.token}/ws", **asked, **headers)[0]


def test_the_page_is_there_for_those_who_know_the_address(server):
    status, content = ask(server)

    assert status == 200
    assert b"<title>a page</title>" in content
    assert server.url == f"http://127.0.0.1:{server.port}/{server.token}/"
    assert ask(server, Host=f"localhost:{server.port}")[0] == 200


@pytest.mark.parametrize(
    "path", ["/", "/ws", "/static/js/bokeh.min.js", "/wrong/", "//", "/model.h5", "*", "wrong", "?"]
)
def test_without_the_token_nothing_is_answered(server, path):
    assert ask(server, path)[0] == 403


def test_each_server_has_a_token_of_its_own(server):
    other = Server(server.hub, 5600)

    assert other.token != server.token
    assert len(other.token) >= 32
    other.start()
    other.stop()


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", ""]
)
def test_a_name_that_leads_here_is_refused(server, host):
    # as of a web site whose own name has been bound to 127.0.0.1
    assert ask(server, Host=host.format(port=server.port))[0] in (400, 403)


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://127.0.0.1:1", "https://127.0.0.1:{port}"]
)
def test_other_pages_are_refused_also_with_the_token(server, origin):
    origin = origin.format(port=server.port)

    assert ask(server, Origin=origin)[0] == 403
    assert upgrade(server, Origin=origin) == 403


def test_without_its_last_slash_the_address_leads_to_the_page(server):
    connection = http.client.HTTPConnection(ADDRESS, server.port, timeout=20)
    connection.request("GET", f"/{server.token}")
    with closing(connection), connection.getresponse() as answer:
        assert answer.status in (301, 302)
        assert answer.headers["Location"] == f"/{server.token}/"


@pytest.mark.parametrize("protocols", [None, "bokeh", "bokeh, nonsense", "other, nonsense"])
def test_a_connection_that_is_none_of_a_page_is_closed_without_a_word(server, protocols, caplog):
    asked = {} if protocols is None else {"Sec-WebSocket-Protocol": protocols}
    assert upgrade(server, **asked) == 101
    wait_for(lambda: ask(server)[0] == 200)

    assert caplog.records == []


def test_no_part_of_a_frame_waits_for_the_answer_to_another(server, monkeypatch):
    from tornado.websocket import WebSocketHandler

    set_on = []
    monkeypatch.setattr(
        WebSocketHandler, "set_nodelay", lambda handler, value: set_on.append(value)
    )

    assert upgrade(server, **{"Sec-WebSocket-Protocol": "bokeh"}) == 101
    wait_for(lambda: set_on == [True])


@pytest.mark.parametrize(("raised", "is_said"), [("bokeh.server.session", False), ("ffnn", True)])
def test_of_failed_assertions_only_those_of_bokeh_are_left_out(raised, is_said):
    try:
        exec("assert False", {"__name__": raised})
    except AssertionError:
        record = logging.LogRecord("tornado", logging.ERROR, "", 0, "text", (), sys.exc_info())

    assert _is_news(record) == is_said


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_only_reading_is_answered(server, method):
    assert ask(server, method=method, **{"Content-Length": "0"})[0] in (403, 405)
    assert ask(server, "/", method=method, **{"Content-Length": "0"})[0] == 403


def test_it_listens_at_this_machine_alone(server):
    assert server._socket.getsockname()[0] == "127.0.0.1"
    try:
        found = socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)
    except socket.gaierror:  # the machine's name has no address
        found = []
    for name in {each[4][0] for each in found} - {"127.0.0.1"}:
        assert not is_open(name, server.port)


def test_the_files_are_those_of_the_training(server, tmp_path):
    session = server.hub.director
    session.send({"do": "batch"})
    path = tmp_path / "model.h5"
    status, content = ask(server, f"/{server.token}/model.h5")
    path.write_bytes(content)
    model = load_model(path)

    assert status == 200
    assert model.parameters.tolist() == session.trained.parameters.tolist()
    _, settings = ask(server, f"/{server.token}/settings.json")
    assert Settings.from_json(settings.decode()) == Settings()
    _, code = ask(server, f"/{server.token}/network.py")
    assert b"ffnn.Sequential(" in code


def test_of_ports_in_use_the_next_free_one_is_taken_and_said(start, capsys):
    with socket.socket() as taken:
        taken.bind((ADDRESS, 0))
        taken.listen()
        port = taken.getsockname()[1]
        server = serve(start(), 0.02, "a page", port, browser=False)
        try:
            out = capsys.readouterr().out
            assert port < server.port < port + 50
            assert f"port {port} is in use: port {server.port} is taken" in out
            assert f"watch it at {server.url}" in out
        finally:
            server.stop()


def test_a_stopped_server_leaves_no_thread_and_no_port(server):
    server.stop()

    wait_for(lambda: "ffnn-play-server" not in {each.name for each in threading.enumerate()})
    assert not is_open(ADDRESS, server.port)
