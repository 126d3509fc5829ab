"""souk-providers as a real process, and a shop's webhook receiver, for the tests of each provider."""

import http.server
import json
import os
import pathlib
import signal
import subprocess
import threading
import time

import pytest
import requests

ROOT = pathlib.Path(__file__).resolve().parents[2]


def providers_binary():
    named = os.environ.get("SOUK_PROVIDERS_BIN")
    folders = [os.environ.get("SOUK_BUILD_DIR"), ROOT / "build" / "release", ROOT / "build" / "dev", ROOT / "build"]
    candidates = [pathlib.Path(named)] if named else [pathlib.Path(f) / "souk-providers" for f in folders if f]
    for candidate in candidates:
        if candidate.exists():
            return candidate
    pytest.fail(f"souk-providers is not built; looked at {', '.join(map(str, candidates))}")


class Providers:
    def __init__(self, state, *flags):
        self.state = state
        self.flags = flags
        self.process = None
        self.url = None
        self.start()

    def start(self, *flags):
        listen = self.url.removeprefix("http://") if self.url else "127.0.0.1:0"  # pages keep their addresses
        command = [providers_binary(), "--listen", listen, "--state", self.state, "--webhook-backoff-ms", "50",
                   "--search-delay-ms", "300", "--log-file", f"{self.state}.log", *self.flags, *flags]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        assert "listens on" in line, line
        self.url = line.split()[-1]

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        code = self.process.wait(timeout=10)
        self.process.stdout.close()
        return code

    def admin(self, call, **body):
        answer = requests.post(f"{self.url}/admin/{call}", json=body, timeout=10)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def ask(self, path, **parameters):
        answer = requests.get(f"{self.url}/admin/{path}", params=parameters, timeout=10)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def faults(self, provider, **knobs):
        return self.admin("faults", provider=provider, **knobs)[provider]

    def ledger(self):
        return self.ask("ledger", after=0, limit=10000)["entries"]


class Receiver:
    """Takes webhooks; `answers` are the statuses of the next ones, then 200 for all."""

    def __init__(self):
        self.received = []
        self.answers = []
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = receiver.answers.pop(0) if receiver.answers else 200
                receiver.received.append((dict(self.headers.items()), body, status, self.path))
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def bodies(self):
        return [json.loads(body) for _, body, _, _ in self.received]

    def wait(self, count, seconds=5):
        until = time.monotonic() + seconds
        while len(self.received) < count and time.monotonic() < until:
            time.sleep(0.01)
        assert len(self.received) >= count, f"{len(self.received)} webhooks came, not {count}"
        return self.received

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def providers(tmp_path):
    running = Providers(str(tmp_path / "ledger"))
    yield running
    if running.process.poll() is None:
        assert running.stop() == 0


@pytest.fixture
def receiver():
    it = Receiver()
    yield it
    it.close()
