#!/usr/bin/env python3
"""Loopback ports: `ports.py free [PREFERRED]` prints one nobody uses, `ports.py owner PORT` says who listens on it.

Python and not ss or lsof, because a bare Debian has neither.
"""
import glob
import os
import random
import socket
import sys


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as haproxy: TIME_WAIT is no obstacle
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def any_free() -> int:
    """Below the range that the kernel gives to outgoing connections: a daemon that is started again finds its port free."""
    with open("/proc/sys/net/ipv4/ip_local_port_range") as file:
        first = int(file.read().split()[0])
    for port in random.sample(range(first - 12000, first), 100) if first > 16000 else ():
        if is_free(port):
            return port
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def listening_inodes(port: int) -> set[str]:
    inodes = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            with open(table) as rows:
                fields = [row.split() for row in rows][1:]
        except OSError:
            continue
        inodes |= {f[9] for f in fields if f[3] == "0A" and int(f[1].rsplit(":", 1)[1], 16) == port}
    return inodes


def owner(port: int) -> str:
    wanted = {f"socket:[{inode}]" for inode in listening_inodes(port)}
    for link in glob.glob("/proc/[0-9]*/fd/*"):
        try:
            if os.readlink(link) in wanted:
                pid = link.split("/")[2]
                with open(f"/proc/{pid}/cmdline") as file:
                    command = file.read().replace("\0", " ").strip()
                return f"pid {pid} ({command[:80]})"
        except OSError:
            continue  # gone, or somebody else's
    return "a process of another user"


if __name__ == "__main__":
    if sys.argv[1] == "owner":
        port = int(sys.argv[2])
        if is_free(port):
            sys.exit(1)
        print(owner(port))
    else:
        preferred = int(sys.argv[2]) if len(sys.argv) > 2 and sys.argv[2] else 0
        print(preferred if preferred and is_free(preferred) else any_free())
