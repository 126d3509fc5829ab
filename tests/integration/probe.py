"""gateway-probe as a process: the clients of payment and shipping providers, driven by hand."""

import json
import os
import pathlib
import secrets
import subprocess
import threading
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
QUICK = {"retries": 2, "back_off_first_ms": 20, "back_off_max_ms": 60, "calls_per_second": 1000, "burst": 1000,
         "breaker_failures": 1000}
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def probe_binary():
    named = os.environ.get("SOUK_PROBE_BIN")
    folders = [os.environ.get("SOUK_BUILD_DIR"), ROOT / "build" / "release", ROOT / "build" / "dev", ROOT / "build"]
    candidates = [pathlib.Path(named)] if named else [pathlib.Path(f) / "tests" / "gateway-probe" for f in folders if f]
    for candidate in candidates:
        if candidate.exists():
            return candidate
    pytest.fail(f"gateway-probe is not built; looked at {', '.join(map(str, candidates))}")


def ulid(at=None):
    number = int((time.time() if at is None else at) * 1000) << 80 | secrets.randbits(80)
    return "".join(CROCKFORD[number >> shift & 31] for shift in range(125, -1, -5))


class Probe:
    def __init__(self, time_limit_ms=5000, tuning=None, **urls):
        settings = {"time_limit_ms": time_limit_ms, "tuning": {**QUICK, **(tuning or {})}, **urls}
        self.lock = threading.Lock()
        self.process = subprocess.Popen([probe_binary(), json.dumps(settings)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def ask(self, command):
        with self.lock:
            self.process.stdin.write(json.dumps(command) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        assert line, self.process.stderr.read()
        answer = json.loads(line)
        assert not (isinstance(answer, dict) and set(answer) == {"error"}), answer
        return answer

    def together(self, commands):
        return self.ask({"together": commands})

    def close(self):
        """Ends it and returns what it logged: libraries under test must not talk, and never of secrets."""
        self.process.stdin.close()
        said = self.process.stdout.read() + self.process.stderr.read()
        assert self.process.wait(timeout=20) == 0, said
        self.process.stdout.close()
        self.process.stderr.close()
        return said
