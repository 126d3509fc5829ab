"""What happens when …, on one cluster under load: each fault once and briefly, and what was promised about it is what happens.
`./souk faults` makes all of them, and as long as one likes.

    a node is killed -9                             F1, F1b
    a node is paused and wakes                      F2
    nodes cannot see each other                     F3a, F3b
    a node cannot see its databases, or one         F3c, F3f
    PostgreSQL restarts; a commit's answer is lost  F4, F5
    one write in a batch is bad                     tests/simulation/lane_test.cpp
    a clock is an hour off                          F7
    Redis is down or empty                          F8
    the payment provider is slow, down, silent      F9
    a crowd wants the last pieces                   F12
    a node is drained, all restart in turn          F13a, F13b
    one request at several nodes, one name twice    F14, F15
    an older copy of a database comes back          F16
"""

import pytest

import checks
from plans import PLANS

NAMES = sorted((name for name, plan in PLANS.items() if plan.short and plan.can_be_made(on_hosts=False)), key=lambda name: PLANS[name].last)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_lost_and_the_promise_is_kept_when(runner, name):
    outcome = runner.run(name)
    assert not outcome.problems, f"seed {runner.seed}: {PLANS[name].title}: " + "\n".join(outcome.problems)
    assert outcome.acknowledged > 20, "the load was no load"


def test_after_all_that_every_order_is_there_and_the_doctor_finds_nothing(runner):
    verdict = checks.check(runner.cluster, runner.load)
    assert verdict.well, verdict.problems[:10]
    assert verdict.acknowledged > 1000
