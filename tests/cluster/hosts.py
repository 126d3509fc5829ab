"""Each node on a host of its own: a network namespace, wired to this machine's over a bridge, that can lose sight of any other host
without a sound. Packets vanish, so nobody is told anything: no reset, no refusal, not even to who dials. That is what the proxies of
proxy.py cannot do, and what a switch that fails or a host without power does.

Needs the rights to make namespaces; see possible(). Traffic stays on this machine: the addresses are those that RFC 2544 sets aside
for tests of networks, and exist only on the bridge.
"""

import os
import shutil
import subprocess
import uuid

NOWHERE = "02:00:00:00:00:fe"  # a MAC address that nobody has: what is sent there is lost


class Hosts:
    """`numbers`: those of the nodes. Two addresses are this machine's: `here`, and one through which the nodes reach the databases."""

    def __init__(self, numbers):
        self.tag = uuid.uuid4().hex[:6]
        self.net = f"198.18.{int(self.tag, 16) % 256}"
        self.here, self.databases = f"{self.net}.1", f"{self.net}.2"
        self.bridge = f"sk{self.tag}"
        self.addresses = {n: f"{self.net}.{10 + n}" for n in numbers}
        self.blind = set()  # (who, address that it cannot reach)
        try:
            self.make()
        except BaseException:
            self.remove()
            raise

    def make(self):
        ip("link", "add", self.bridge, "type", "bridge")
        ip("address", "add", f"{self.here}/24", "dev", self.bridge)
        ip("address", "add", f"{self.databases}/24", "dev", self.bridge)
        ip("link", "set", self.bridge, "up")
        for n, address in self.addresses.items():
            ip("netns", "add", self.namespace(n))
            ip("link", "add", self.cable(n), "type", "veth", "peer", "name", "eth0", "netns", self.namespace(n))
            ip("link", "set", self.cable(n), "master", self.bridge, "up")
            self.at(n, "address", "add", f"{address}/24", "dev", "eth0")
            self.at(n, "link", "set", "lo", "up")
            self.at(n, "link", "set", "eth0", "up")

    def remove(self):
        for n in self.addresses:
            ip("netns", "delete", self.namespace(n), check=False)
            ip("link", "delete", self.cable(n), check=False)
        ip("link", "delete", self.bridge, check=False)

    def namespace(self, n):
        return f"souk-{self.tag}-{n}"

    def cable(self, n):
        return f"sk{self.tag}-{n}"

    def at(self, n, *words, check=True):
        ip("-n", self.namespace(n), *words, check=check)

    # -- what fails ---------------------------------------------------------------

    def part(self, n, address, back=None):
        """What host `n` sends to that address vanishes. `back`: the number of the host there, whose answers vanish as well."""
        self.blind.add((n, address))
        self.at(n, "neighbour", "replace", address, "lladdr", NOWHERE, "dev", "eth0", "nud", "permanent")
        if back is not None:
            self.part(back, self.addresses[n])

    def unplug(self, n):
        """Nobody hears it, and it hears nobody."""
        ip("link", "set", self.cable(n), "down")

    def plug_in(self, n):
        ip("link", "set", self.cable(n), "up")

    def heal(self):
        for n in self.addresses:
            self.plug_in(n)
        for n, address in self.blind:
            self.at(n, "neighbour", "delete", address, "dev", "eth0", check=False)
        self.blind.clear()


def ip(*words, check=True):
    done = subprocess.run([shutil.which("ip", path="/usr/sbin:/sbin:/usr/bin:/bin") or "ip", *words], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=20)
    if check and done.returncode != 0:
        raise OSError(f"ip {' '.join(words)}: {done.stdout.strip()}")


def why_not():
    """Why this machine cannot have hosts inside, "" when it can."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    try:
        Hosts([1]).remove()
    except OSError as problem:
        return f"no network namespaces here: {problem}"
    return ""
