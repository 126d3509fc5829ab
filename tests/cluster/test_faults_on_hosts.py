"""The faults of a network, where each node has a host of its own: what is cut off vanishes without a sound, and nodes speak TLS.

    a node is killed                                 F1
    two nodes cannot see each other                  F3a
    a node cannot see the others, or the databases   F3b, F3c
    a host is unplugged, or loses its power          H1, H2
"""

import pytest

import checks
from faults import Runner
from hosts import why_not
from plans import PLANS

NAMES = ["F1", "F3a", "F3b", "F3c", "H1", "H2"]


@pytest.fixture(scope="module")
def runner():
    if reason := why_not():
        pytest.skip(reason)
    with Runner(on_hosts=True) as it:
        it.doctor_each = False
        yield it


@pytest.mark.parametrize("name", NAMES)
def test_on_hosts_nothing_is_lost_and_the_promise_is_kept_when(runner, name):
    outcome = runner.run(name)
    assert not outcome.problems, f"seed {runner.seed}: {PLANS[name].title}: " + "\n".join(outcome.problems)
    assert outcome.acknowledged > 20, "the load was no load"


def test_the_nodes_spoke_tls_and_the_doctor_finds_nothing(runner):
    for n in (1, 2, 3):
        assert "over mutual TLS" in runner.cluster.log(f"soukd-{n}")
    verdict = checks.check(runner.cluster, runner.load)
    assert verdict.well, verdict.problems[:10]
