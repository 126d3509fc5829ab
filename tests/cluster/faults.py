#!/usr/bin/python3
"""./souk faults: a cluster of its own, shoppers who write down what they were told, one fault after the other, and a check after
each.

    faults.py                     every fault once
    faults.py --minutes 30        faults drawn by the seed until the time is over
    faults.py --only F1,F3c       these, in this order
    faults.py --hosts             on a cluster whose nodes have a network namespace each, as hosts have (needs root): those faults
                                  that differ there
    faults.py --list              what there is

The table says for each fault what was acknowledged, lost, oversold, what shoppers saw instead of an answer (through haproxy,
which repeats by itself what is safe to repeat), and the longest time that a shard could not be written. Exit code 1 when
something was lost, oversold or wrong; a limit that was missed is marked and counts as well.
"""

import argparse
import json
import os
import random
import sys
import time
import traceback
from dataclasses import dataclass, field

import checks
from cluster import NODES, Cluster
from cluster_on_hosts import ClusterOnHosts
from hosts import why_not
from load import Load
from market import Market
from plans import PLANS


@dataclass
class Outcome:
    fault: str
    title: str
    acknowledged: int = 0
    lost: int = 0
    doubled: int = 0
    oversold: int = 0
    errors: int = 0
    given_up: int = 0
    longest_gap_s: float = 0.0
    gap_shard: int = -1
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    limit_s: float = None
    seconds: float = 0.0
    seen: dict = field(default_factory=dict)  # errors by kind
    problems: list = field(default_factory=list)
    facts: dict = field(default_factory=dict)  # what the fault itself measured

    @property
    def well(self):
        return not self.problems


class Runner:
    """One cluster under one load, and faults one after the other."""

    def __init__(self, seed=None, say=lambda text: None, network=True, on_hosts=False, **load):
        self.seed = random.SystemRandom().randrange(1 << 32) if seed is None else seed
        self.random = random.Random(self.seed)
        self.say, self.load_options = say, {"shoppers": 10, "orders_per_s": 60, **load}
        self.with_network, self.on_hosts = network, on_hosts
        self.cluster = self.load = self.market = None
        self.brief = True  # short waits: enough to see the promise kept
        self.doctor_each = True

    def __enter__(self):
        self.cluster = ClusterOnHosts() if self.on_hosts else Cluster(network=self.with_network)
        try:
            self.cluster.up()
            self.cluster.wait_until_even()
            self.market = Market(self.cluster)
            self.load = Load(self.cluster, self.market, seed=self.seed, **self.load_options).start()
            time.sleep(2)
            self.load.pause()
        except BaseException:
            self.leave_evidence()
            self.cluster.remove()
            raise
        return self

    def __exit__(self, kind, *_):
        try:
            self.cluster.heal()
            self.load.stop()
        finally:
            if kind is not None or os.environ.get("SOUK_TEST_KEEP"):
                self.leave_evidence()
            self.cluster.remove()

    def leave_evidence(self):
        """The logs, where somebody can read them after the cluster is gone."""
        target = f"/tmp/souk-faults-{os.getpid()}-{time.strftime('%H%M%S')}"
        os.system(f"cp -r '{self.cluster.var}/log' '{target}'")
        self.say(f"the logs are in {target}")

    def any_node(self):
        return self.random.choice(NODES)

    def run(self, name):
        """Makes the fault under load, waits until it is healed, checks. @returns its Outcome"""
        plan = PLANS[name]
        outcome = Outcome(name, plan.title, limit_s=plan.limit_s)
        # The crowd is under way before the fault comes, and for a while after everything is well again.
        since = self.load.resume()
        time.sleep(1)
        try:
            outcome.facts = plan.make(self) or {}
            time.sleep(1)
        except Exception:  # a fault that could not be made, or a promise that was broken, is a finding like any other
            outcome.problems.append(traceback.format_exc(limit=-3))
        whole = self.restore(outcome)
        until = time.monotonic()
        self.load.pause()
        self.judge(plan, outcome, since, until, whole=whole)
        return outcome

    def restore(self, outcome):
        try:
            self.cluster.heal()
            self.cluster.wait_until_even()
            return True
        except Exception:
            outcome.problems.append(traceback.format_exc(limit=-3))
            return False

    def judge(self, plan, outcome, since, until, whole):
        window = self.load.window(since, until)
        outcome.seconds = round(window.seconds, 1)
        outcome.seen = dict(window.errors + window.probe_errors)
        outcome.errors, outcome.given_up = sum(outcome.seen.values()), window.given_up
        outcome.longest_gap_s, outcome.gap_shard = round(window.longest_gap, 2), window.longest_gap_shard
        outcome.p50_ms, outcome.p99_ms = round(window.p50_ms, 1), round(window.p99_ms, 1)
        outcome.problems += [f"a wrong answer: {x}" for x in window.wrong[:5]] + window.replays_differ[:5]
        if window.given_up:
            outcome.problems.append(f"{window.given_up} shoppers gave up")
        if plan.limit_s is not None and window.longest_gap > plan.limit_s:
            outcome.problems.append(f"shard {window.longest_gap_shard} was away for {window.longest_gap:.2f} s, "
                                    f"{plan.limit_s} s are allowed")
        if plan.no_errors and window.failed:
            outcome.problems.append(f"no request should have failed: {outcome.seen}")
        try:
            if whole:
                checks.settle(self.cluster)
            verdict = checks.check(self.cluster, self.load, self.load.acknowledged_between(since, time.monotonic()),
                                   doctor=self.doctor_each, over_http=whole)
        except Exception:
            outcome.problems.append(traceback.format_exc(limit=-3))
            return
        outcome.acknowledged, outcome.lost = verdict.acknowledged, verdict.lost
        outcome.doubled, outcome.oversold = verdict.doubled, verdict.oversold
        outcome.problems += verdict.problems[:10]


HEAD = ("fault", "", "s", "acked", "lost", "twice", "oversold", "errors", "away s", "limit", "p99 ms", "")
ROW = "{:<5} {:<58} {:>5} {:>6} {:>4} {:>5} {:>8} {:>6} {:>6} {:>5} {:>7}  {}"


def line(o):
    return ROW.format(o.fault, o.title[:58], o.seconds, o.acknowledged, o.lost, o.doubled, o.oversold, o.errors, o.longest_gap_s,
                      "" if o.limit_s is None else o.limit_s, o.p99_ms, "ok" if o.well else "FAILED")


def names_in_order(options, rng):
    if options.only:
        unknown = [n for n in options.only.split(",") if n not in PLANS]
        if unknown:
            sys.exit(f"faults.py: there is no fault {unknown[0]}; --list shows them")
        wrong = [n for n in options.only.split(",") if not PLANS[n].can_be_made(options.hosts)]
        if wrong:
            sys.exit(f"faults.py: {wrong[0]} can only be made {'without' if options.hosts else 'with'} --hosts")
        return iter(options.only.split(","))
    here = [n for n, plan in PLANS.items() if plan.can_be_made(options.hosts)]
    names = [n for n in here if not PLANS[n].last]
    last = [n for n in here if PLANS[n].last]
    if options.minutes is None:
        return iter(names + last)
    until = time.monotonic() + 60 * options.minutes

    def drawn():
        turn = []
        while time.monotonic() < until:
            if not turn:
                turn = rng.sample(names, len(names))
            yield turn.pop()
        yield from last

    return drawn()


def write_json(options, outcomes):
    with open(options.json, "w") as file:
        json.dump({"seed": options.seed, "outcomes": [vars(o) for o in outcomes]}, file, indent=1)


def main():
    parser = argparse.ArgumentParser(description="Faults on a real cluster.", prog="faults.py")
    parser.add_argument("--minutes", type=float, help="go on drawing faults for so long")
    parser.add_argument("--only", metavar="F1,F2", help="these faults, in this order")
    parser.add_argument("--seed", type=int, default=int(os.environ.get("SOUK_SEED") or random.SystemRandom().randrange(1 << 32)))
    parser.add_argument("--json", metavar="FILE", help="write the outcomes there as well")
    parser.add_argument("--orders-per-s", type=float, default=60)
    parser.add_argument("--hosts", action="store_true", help="each node on a host of its own")
    parser.add_argument("--list", action="store_true")
    options = parser.parse_args()
    if options.list:
        for name, plan in PLANS.items():
            print(f"{name:<5} {plan.title}")
        return 0

    def say(text):
        print(text, flush=True)

    if options.hosts and (reason := why_not()):
        sys.exit(f"faults.py: {reason}")
    say(f"seed {options.seed}")
    outcomes = []
    with Runner(options.seed, say, on_hosts=options.hosts, orders_per_s=options.orders_per_s) as runner:
        runner.brief = options.minutes is None
        say(ROW.format(*HEAD))
        for name in names_in_order(options, runner.random):
            outcome = runner.run(name)
            outcomes.append(outcome)
            say(line(outcome))
            for problem in outcome.problems:
                say("      " + problem.strip().replace("\n", "\n      "))
            if outcome.problems:
                runner.leave_evidence()
            if options.json:
                write_json(options, outcomes)
        total = len(runner.load.acknowledged)
        last = checks.check(runner.cluster, runner.load)  # all orders of all faults together
        for problem in last.problems[:10]:
            say("      " + problem)
    failed = [o.fault for o in outcomes if not o.well]
    say(f"{total} orders acknowledged, {last.lost} lost, {last.doubled} twice, {last.oversold} oversold; "
        f"{len(outcomes) - len(failed)} faults survived, "
        f"{len(failed)} not{': ' + ' '.join(failed) if failed else ''}")
    return 1 if failed or last.problems else 0


if __name__ == "__main__":
    sys.exit(main())
