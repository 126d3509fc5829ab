"""HTTP for a crowd: one thread, keep-alive connections, an order of magnitude cheaper than `requests`, so that what is measured
is the shop and not the shopper."""

import asyncio
import json


class Unanswered(Exception):
    """No answer: refused, reset, or out of time. Whether the request was done is not known."""


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)

    @property
    def code(self):
        """The stable code of an error, "" for anything else."""
        try:
            return self.json()["error"]["code"]
        except (ValueError, KeyError, TypeError):
            return ""


class Http:
    """Connections to one place. Not thread-safe: it belongs to one event loop."""

    def __init__(self, port, host="127.0.0.1"):
        self.host, self.port = host, port
        self.idle = []

    async def request(self, method, path, body=None, token=None, key=None, timeout=15):
        """@raises Unanswered"""
        data = json.dumps(body).encode() if body is not None else b""
        head = f"{method} {path} HTTP/1.1\r\nHost: {self.host}:{self.port}\r\nContent-Length: {len(data)}\r\n"
        if body is not None:
            head += "Content-Type: application/json\r\n"
        if token:
            head += f"Authorization: Bearer {token}\r\n"
        if key:
            head += f"Idempotency-Key: {key}\r\n"
        try:
            return await asyncio.wait_for(self.exchange(head.encode() + b"\r\n" + data, method), timeout)
        except asyncio.TimeoutError:
            raise Unanswered("timeout") from None
        except (OSError, asyncio.IncompleteReadError, ValueError) as problem:
            raise Unanswered(type(problem).__name__) from None

    def idle_connection(self):
        """One that the other side has not closed while it lay idle."""
        while self.idle:
            reader, writer = self.idle.pop()
            if not reader.at_eof():
                return reader, writer
            writer.close()
        return None

    async def exchange(self, request, method):
        reader, writer = self.idle_connection() or await asyncio.open_connection(self.host, self.port)
        keep = False
        try:
            writer.write(request)
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = {}
            for line in head[1:-2]:
                name, _, value = line.partition(":")
                headers[name.lower()] = value.strip()
            status = int(head[0].split(" ", 2)[1])
            length = int(headers.get("content-length", 0))
            body = await reader.readexactly(length) if length and method != "HEAD" else b""
            keep = headers.get("connection", "").lower() != "close"
            return Answer(status, headers, body)
        finally:
            if keep:
                self.idle.append((reader, writer))
            else:
                writer.close()

    def close(self):
        while self.idle:
            self.idle.pop()[1].close()
