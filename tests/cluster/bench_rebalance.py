#!/usr/bin/python3
"""./souk bench rebalance: a node gives all its shards away and gets them back, under load, through haproxy.

How many shards move in a second, and what it does to shoppers: the 99th percentile of an order before and meanwhile, and the
requests that failed, of which there should be none. Last line: one JSON object.
"""

import argparse
import json
import sys
import threading
import time

import checks
from faults import Runner


class Movements:
    """Looks at who owns what, ten times a second."""

    def __init__(self, cluster):
        self.cluster, self.moves, self.stopping = cluster, [], threading.Event()
        self.thread = threading.Thread(target=self.watch, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.thread.join()

    def watch(self):
        before = self.cluster.shards()
        while not self.stopping.wait(0.1):
            now = self.cluster.shards()
            moved = sum(1 for shard, seen in now.items() if seen[1] != before[shard][1])
            self.moves += [time.monotonic()] * moved
            before = now

    def per_second(self):
        """While shards moved: the pauses between one command and the next do not count."""
        moving = sum(b - a for a, b in zip(self.moves, self.moves[1:]) if b - a < 0.5)
        return len(self.moves) / moving if moving > 0 else 0.0


def main():
    parser = argparse.ArgumentParser(prog="bench_rebalance.py")
    parser.add_argument("--seconds", type=float, default=30, help="how long shards move back and forth; at least once")
    parser.add_argument("--orders-per-s", type=float, default=100)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with Runner(options.seed, print, network=False, orders_per_s=options.orders_per_s) as runner:
        since = runner.load.resume()
        time.sleep(max(3.0, min(10.0, options.seconds / 3)))
        began = time.monotonic()
        before = runner.load.window(since + 1, began)
        rounds = 0
        with Movements(runner.cluster) as movements:
            while rounds == 0 or time.monotonic() - began < options.seconds:
                name = f"node-{runner.any_node()}"
                for words in ([name], [name, "--undo"]):
                    runner.cluster.souk("drain", *words, timeout=180)
                    runner.cluster.wait_until_owned(by=[n for n in (1, 2, 3) if len(words) > 1 or f"node-{n}" != name])
                runner.cluster.wait_until_even()
                rounds += 1
        during = runner.load.window(began)
        runner.load.pause()
        checks.settle(runner.cluster)
        verdict = checks.check(runner.cluster, runner.load)
    for problem in [*verdict.problems[:20], *during.wrong[:5]]:
        print(problem)
    print(f"before {dict(before.errors + before.probe_errors)}, meanwhile {dict(during.errors + during.probe_errors)}")
    print(json.dumps({
        "bench": "rebalance", "name": "rebalance", "rounds": rounds, "shards_moved": len(movements.moves),
        "shards_per_s": round(movements.per_second(), 1),
        "p50_before_ms": round(before.p50_ms, 2), "p99_before_ms": round(before.p99_ms, 2),
        "p50_ms": round(during.p50_ms, 2), "p99_ms": round(during.p99_ms, 2),
        "orders_per_s": round(during.acknowledged / during.seconds, 1), "failed_requests": during.failed,
        "longest_gap_s": round(during.longest_gap, 3),
        "lost": verdict.lost, "doubled": verdict.doubled, "oversold": verdict.oversold,
    }))
    return 0 if verdict.well else 1


if __name__ == "__main__":
    sys.exit(main())
