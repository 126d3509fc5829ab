"""Two releases side by side: nodes of the next one, with one message that has grown and one migration more, take the place of this
one's, node by node and under load; and who does not belong in is kept out.

soukd-next and soukd-later are made in next_release/: the first one's schema is one that this release's nodes go on working with, the
second one's is not.
"""

import os
import subprocess
import time
from pathlib import Path

import pytest

import checks
from cluster import DATABASES, NODES, node
from faults import Runner
from integration import ROOT, free_port

BUILD = Path(os.environ.get("SOUK_BUILD_DIR") or ROOT / "build")
THIS = BUILD / "soukd"
NEXT = BUILD / "tests" / "cluster" / "next_release" / "soukd-next"
LATER = BUILD / "tests" / "cluster" / "next_release" / "soukd-later"

WRITTEN = "place_order was written with a gift note"
READ_OLD = "place_order was read without a gift note"
READ_NEW = "place_order was read with a gift note"


@pytest.fixture(scope="module")
def run():
    """One cluster under load for these tests, which follow each other."""
    with Runner(network=False) as it:
        yield it


def program(cluster, binary, *words, seconds=60, **settings):
    """Runs a program to its end on the cluster's databases."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("SOUK_")}
    environment["SOUK_DATABASE_URL"] = cluster.setting(1, "database_url")
    environment.update({f"SOUK_{k.upper()}": str(v) for k, v in settings.items()})
    return subprocess.run([str(binary), *words], env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=seconds)


def newcomer(cluster, binary, **settings):
    """A fourth node that should not come to serve. @returns what it said at its end"""
    port = free_port()
    done = program(cluster, binary, "serve", "--listen-port", "0", node_name="node-4", cluster_port=port, **settings)
    assert done.returncode not in (0, None), done.stdout
    return done.stdout


def running(cluster, n):
    """The program that a node runs."""
    return Path(os.readlink(f"/proc/{cluster.pid(node(n))}/exe"))


def schema(cluster):
    return [cluster.rows(d, "SELECT max(number) FROM schema_migrations")[0][0] for d in DATABASES]


def finish(run, since, doctor):
    """Nothing failed since then nor in the two seconds to come, and all that was acknowledged is there."""
    time.sleep(2)
    until = time.monotonic()
    run.load.pause()
    window = run.load.window(since, until)
    assert window.failed == 0, f"{dict(window.errors)} {dict(window.probe_errors)} {window.wrong[:5]}"
    assert not window.replays_differ, window.replays_differ[:5]
    assert window.acknowledged > 20, "the load was no load"
    checks.settle(run.cluster)
    verdict = checks.check(run.cluster, run.load, run.load.acknowledged_between(since, time.monotonic()), doctor=False)
    assert verdict.well, verdict.problems[:10]
    done = program(run.cluster, doctor, "doctor")
    assert done.returncode == 0, done.stdout[-4000:]


def test_nodes_of_the_next_release_take_over_one_by_one_and_no_request_fails(run):
    cluster = run.cluster
    before = schema(cluster)
    since = run.load.resume()
    time.sleep(1)
    done = program(cluster, NEXT, "migrate")
    assert done.returncode == 0 and "gift_note" in done.stdout, done.stdout
    assert schema(cluster) == [v + 1 for v in before]
    time.sleep(2)
    assert {running(cluster, n) for n in NODES} == {THIS}, "the old nodes serve the new schema"
    for n in NODES:
        assert "gift note" not in cluster.log(node(n))
        cluster.restart(n, SOUKD_PROGRAM=str(NEXT))
        assert running(cluster, n) == NEXT
        cluster.wait_until_even()
        time.sleep(3)
        said = cluster.log(node(n))
        if n == 1:  # all others are old: what it wrote went to them, and they answered
            assert WRITTEN in said and READ_OLD in said and READ_NEW not in said, said[-3000:]
        elif n == 2:
            assert WRITTEN in said and READ_OLD in said and READ_NEW in said, said[-3000:]
        else:  # the last old one is gone
            assert WRITTEN in said and READ_NEW in said and READ_OLD not in said, said[-3000:]
    for n in NODES:
        assert "cannot be read" not in cluster.log(node(n))
        assert "garbled" not in cluster.log(node(n))
    finish(run, since, doctor=NEXT)
    done = program(cluster, THIS, "doctor")  # an operator whose machine was not upgraded yet
    assert done.returncode == 0, done.stdout[-4000:]


def test_a_node_that_goes_back_to_the_release_before_serves_too(run):
    cluster = run.cluster
    since = run.load.resume()
    cluster.restart(2, SOUKD_PROGRAM=None)
    assert running(cluster, 2) == THIS
    cluster.wait_until_even()
    time.sleep(2)
    cluster.restart(2, SOUKD_PROGRAM=str(NEXT))
    cluster.wait_until_even()
    finish(run, since, doctor=NEXT)


def test_a_program_that_is_older_than_the_schema_allows_refuses_to_serve_and_says_why(run):
    cluster = run.cluster
    since = run.load.resume()
    done = program(cluster, LATER, "migrate")
    assert done.returncode == 0 and "gift_note_given" in done.stdout, done.stdout
    version = schema(cluster)[0]
    said = newcomer(cluster, THIS)
    assert (f"the database is at schema version {version} and asks for programs that know version {version - 1}; "
            f"this one knows {version - 2}: install a later release") in said, said
    done = program(cluster, THIS, "migrate")
    assert done.returncode != 0 and "install a later release" in done.stdout, done.stdout
    assert cluster.spread().keys() == {f"node-{n}" for n in NODES}, "it has had no shard"
    finish(run, since, doctor=NEXT)


def test_a_program_that_needs_a_later_schema_refuses_to_serve_and_says_what_to_do(run):
    cluster = run.cluster
    since = run.load.resume()
    for d in DATABASES:  # as if nobody had migrated
        with cluster.database(d) as cursor:
            cursor.execute("UPDATE schema_migrations SET number = -number WHERE number = %s", (schema(cluster)[d - 1],))
    try:
        said = newcomer(cluster, LATER)
    finally:
        for d in DATABASES:
            with cluster.database(d) as cursor:
                cursor.execute("UPDATE schema_migrations SET number = -number WHERE number < 0")
    assert "run `soukd migrate` first" in said, said
    finish(run, since, doctor=NEXT)


def test_a_node_of_another_cluster_is_refused_by_name(run):
    cluster = run.cluster
    since = run.load.resume()
    said = newcomer(cluster, NEXT, cluster_name="rehearsal")
    assert 'this database belongs to cluster "souk"' in said and '"node-4" is of cluster "rehearsal"' in said, said
    assert cluster.rows(1, "SELECT count(*) FROM nodes WHERE name = 'node-4'") == [(0,)]
    finish(run, since, doctor=NEXT)
