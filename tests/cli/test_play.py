"""``ffnn play`` and ``ffnn train --watch``."""

import http.client
import os
import re
import signal
import subprocess
import sys
from urllib.parse import urlsplit

import pytest

from ffnn.cli import main
from ffnn.play.settings import Settings

pytest.importorskip("bokeh", reason="needs Bokeh: pip install 'ffnn[html]'")


@pytest.fixture
def run():
    """Return a function that starts ``ffnn`` in a process of its own and returns its address."""
    started = []

    def run(*arguments):
        process = subprocess.Popen(
            [sys.executable, "-m", "ffnn", *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1", "DISPLAY": "", "WAYLAND_DISPLAY": ""},
        )
        started.append(process)
        for line in process.stdout:
            if found := re.search(r"http://127\.0\.0\.1:\d+/\S+", line):
                return process, found[0]
        raise AssertionError(process.stderr.read())

    yield run
    for process in started:
        process.kill()
        process.communicate()


def content_of(url):
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=30)
    try:
        connection.request("GET", parts.path)
        with connection.getresponse() as answer:
            return answer.status, answer.read().decode()
    finally:
        connection.close()


@pytest.mark.parametrize("data", [(), ("spiral",), ("digits",)])
def test_play_prints_its_address_and_ends_with_ctrl_c(run, sigint, data):
    process, url = run("play", *data)
    status, content = content_of(url)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)

    assert status == 200
    assert "<title>ffnn play</title>" in content
    assert err == ""
    assert process.returncode == 0


def test_play_takes_a_table_of_ones_own(run, tmp_path):
    path = tmp_path / "flowers.csv"
    rows = [f"{i % 7},{i % 5},{'rose' if i % 7 > 3 else 'lily'}" for i in range(60)]
    path.write_text("\n".join(["length,width,kind", *rows]), encoding="utf-8")
    _, url = run("play", path, "--target", "kind")

    assert "<title>ffnn play flowers.csv</title>" in content_of(url)[1]


def test_play_begins_with_saved_settings(run, tmp_path):
    path = tmp_path / "settings.json"
    path.write_text(Settings(data="xor", seed=4).to_json(), encoding="utf-8")
    _, url = run("play", "--settings", path)

    _, saved = content_of(f"{url}settings.json")
    assert Settings.from_json(saved) == Settings(data="xor", seed=4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["play", "rings"], "expected digits, mnist, or a path"),
        (["play", "--port", "0"], "expected an integer of at least 1"),
        (["play", "--settings", "{missing}"], "--settings: "),
        (["play", "{missing}.csv"], "missing.csv"),
        (["play", "xor", "--target", "y"], "--target"),
    ],
)
def test_wrong_arguments_are_usage_errors(arguments, message, tmp_path, capsys):
    arguments = [argument.format(missing=tmp_path / "missing") for argument in arguments]

    assert main(arguments) in (1, 2)
    assert message in capsys.readouterr().err


def test_train_shows_its_page_while_it_trains(run):
    _, url = run("train", "digits", "--epochs", "500", "--watch")

    assert "<title>A network in training</title>" in content_of(url)[1]
