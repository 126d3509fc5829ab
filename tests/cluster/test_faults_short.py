"""Every fault once, briefly, on one cluster: what was promised about it is what happens. `./souk faults` does it at length.

The table of what happens when …, and where each line of it is shown:

    a node is killed -9                         F1, F1b
    a node is paused and wakes                  F2, F2b
    nodes cannot see each other                 F3a, F3b, F3g
    a node cannot see its databases             F3c to F3f
    PostgreSQL restarts                         F4, F4b, F4c; a lost answer: F5
    one write in a batch is bad                 tests/storage, tests/integration/test_api_conformance.py
    Redis is down or empty                      F8
    the payment provider is slow, down, twice   F9
    an older copy of a database comes back      F16
"""

import pytest

from plans import PLANS

# The last one leaves a database that was replaced, so it is the last here too.
NAMES = [name for name, plan in PLANS.items() if not plan.last] + [name for name, plan in PLANS.items() if plan.last]


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_lost_and_the_promise_is_kept_when(runner, name):
    outcome = runner.run(name)
    assert not outcome.problems, f"seed {runner.seed}: {PLANS[name].title}: " + "\n".join(outcome.problems)
    assert outcome.acknowledged > 20, "the load was no load"
