"""The cluster as it is in production: each node on a host of its own, nodes speaking TLS, haproxy and the databases across the
network."""

import os
import socket

from cluster import NODES, Cluster
from hosts import Hosts
from proxy import Proxy


class ClusterOnHosts(Cluster):
    """The databases, Redis, the payment sandbox, haproxy and the shoppers are on this machine; the nodes are on `hosts`."""

    def __init__(self, **settings):
        super().__init__(network=True, **settings)
        self.hosts = None

    def put_network_between(self):
        self.network, self.hosts = Proxy(self.var), Hosts(NODES)
        certificates = self.make_certificates()
        sandbox = self.network.listen("to the sandbox", self.setting(1, "sandbox_gateway_url").removeprefix("http://"),
                                      host=self.hosts.here)
        self.restart_all({n: self.settings_on_host(n, certificates, sandbox) for n in NODES})
        for n in NODES:
            port = self.setting(n, "listen_port")
            self.tell_haproxy(f"set server nodes/node-{n} addr {self.hosts.addresses[n]} port {port}")
        self.wait_until_owned()
        self.wait_until_ready()

    def settings_on_host(self, n, certificates, sandbox):
        at = self.hosts.addresses[n]
        return {
            "NETWORK_NAMESPACE": self.hosts.namespace(n),
            "database_url": self.databases_behind_proxies(n, self.hosts.databases),
            "sandbox_gateway_url": f"http://{self.hosts.here}:{sandbox}",
            "listen_host": at,
            "cluster_host": at,
            "cluster_certificate": f"{certificates}/node-{n}.pem",
            "cluster_key": f"{certificates}/node-{n}.key",
            "cluster_authority": f"{certificates}/ca.pem",
        }

    def make_certificates(self):
        """A private authority, and what it signed for each node, readable by those who run them."""
        folder = self.var / "run" / "certificates"
        self.souk("certs", str(folder), *[f"node-{n}={self.hosts.addresses[n]}" for n in NODES])
        owner = (self.var / "run").stat()
        for path in (folder, *folder.iterdir()):
            os.chown(path, owner.st_uid, owner.st_gid)
        return folder

    def tell_haproxy(self, command):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(5)
            s.connect(str(self.socket_of(1).parent / "haproxy.sock"))
            s.sendall(command.encode() + b"\n")
            said = s.recv(4096).decode()
        assert "no such" not in said.lower() and "invalid" not in said.lower(), f"haproxy: {command}: {said}"

    def part_nodes(self, a, b):
        self.hosts.part(a, self.hosts.addresses[b], back=b)

    def part_from_databases(self, n, up=True, down=True):
        """Only what the node says is lost; without it the databases soon have nothing to say."""
        assert up, "a host cannot be made deaf to one address"
        self.hosts.part(n, self.hosts.databases)

    def heal(self):
        self.hosts.heal()
        super().heal()

    def remove(self):
        super().remove()
        if self.hosts is not None:
            self.hosts.remove()

