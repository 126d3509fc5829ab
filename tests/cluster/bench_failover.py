#!/usr/bin/python3
"""./souk bench failover: how long shards are away when a node is killed -9, under load, through haproxy.

Every other time the node is started again at once and takes its own shards back; else it stays away until the others have them
all. The figure of a kill is the longest time that any store could not be written to, seen by a probe of every store each 100 ms,
so it is never less than that. Last line: one JSON object. Exit code 1 when an order was lost, doubled or oversold.
"""

import argparse
import json
import statistics
import sys
import time

import checks
from cluster import NODES, node
from faults import Runner


def kill(runner, stays_away):
    """@returns the longest gap, and the errors seen."""
    cluster, load = runner.cluster, runner.load
    n = runner.any_node()
    hold = cluster.var / "run" / f"{node(n)}.hold"
    if stays_away:
        hold.touch()
    since = time.monotonic()
    old = cluster.kill(node(n))
    try:
        if stays_away:
            cluster.wait_until_owned(by=[m for m in NODES if m != n])
            time.sleep(1)
    finally:
        hold.unlink(missing_ok=True)
    cluster.wait_until_reborn(node(n), old)
    cluster.wait_until_even()
    time.sleep(1)
    return load.window(since)


def main():
    parser = argparse.ArgumentParser(prog="bench_failover.py")
    parser.add_argument("--seconds", type=float, default=600, help="no kill begins later")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--orders-per-s", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    gaps, errors = {False: [], True: []}, 0
    with Runner(options.seed, print, network=False, orders_per_s=options.orders_per_s) as runner:
        runner.load.resume()
        time.sleep(2)
        until = time.monotonic() + options.seconds
        for turn in range(options.kills):
            if turn >= 2 and time.monotonic() > until:
                break
            stays_away = turn % 2 == 1
            window = kill(runner, stays_away)
            gaps[stays_away].append(window.longest_gap)
            seen = window.errors + window.probe_errors
            errors += sum(seen.values())
            print(f"kill {turn + 1:2}: a shard was away for {window.longest_gap:5.2f} s "
                  f"({'node stays away' if stays_away else 'started again at once'}); errors {dict(seen)}", flush=True)
        runner.load.pause()
        checks.settle(runner.cluster)
        verdict = checks.check(runner.cluster, runner.load)
    for problem in verdict.problems[:20]:
        print(problem)
    both = gaps[False] + gaps[True]
    print(json.dumps({
        "bench": "failover", "name": "failover", "kills": len(both),
        "p50_s": round(statistics.median(both), 3), "max_s": round(max(both), 3),
        "p50_started_again_s": round(statistics.median(gaps[False]), 3), "max_started_again_s": round(max(gaps[False]), 3),
        "p50_stays_away_s": round(statistics.median(gaps[True]), 3), "max_stays_away_s": round(max(gaps[True]), 3),
        "acknowledged": verdict.acknowledged, "lost": verdict.lost, "doubled": verdict.doubled, "oversold": verdict.oversold,
        "errors_seen": errors, "target_s": 2,
    }))
    return 0 if verdict.well else 1


if __name__ == "__main__":
    sys.exit(main())
