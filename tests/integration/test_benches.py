"""Every benchmark runs to its end and says what it should, however slow the machine is: figures are for people to judge."""

import json
import math

import pytest

from shop import Shop

COUNTED = {  # figures that are above zero when the work was really done
    "hot-sku": {"orders_per_s", "orders", "p50_ms", "p99_ms", "write_sets_per_batch", "baseline_clients"},
    "spread": {"orders_per_s", "orders", "p50_ms", "p99_ms", "write_sets_per_batch", "baseline_clients"},
    "http-checkout": {"orders_per_s", "orders", "p50_ms", "p95_ms", "p99_ms", "cart_orders_per_s", "cart_p99_ms", "under_way"},
    "http-read": {"reads_per_s", "p50_ms", "p99_ms", "products_per_s", "lists_per_s", "edge_per_s", "edge_p99_ms", "list_bytes"},
    "idle": {"inventory_bytes", "cart_bytes", "resident_mib", "resident_both_mib", "actors_of_each"},
    "remote": {"cpu_us_right", "cpu_us_wrong", "orders_per_s_right", "orders_per_s_wrong", "p50_ms_right", "p99_ms_wrong",
               "calls_between_nodes"},
    "outbox": {"events_per_s", "p50_ms", "p99_ms", "busy_events_per_s", "busy_orders_per_s", "busy_p99_ms", "baseline_clients"},
    "lanes": {"orders_per_s_1_lane", "orders_per_s_2_lanes", "orders_per_s_4_lanes", "orders_per_s_two_databases", "cores"},
    "payments": {"settled_per_s", "settled", "p50_ms", "p99_ms", "ceiling_per_s", "buckets_per_s"},
    "isolation": {"p99_ms_healthy", "p99_ms_dead", "p99_ms_alone", "ratio_to_alone", "orders_per_s", "orders_healthy", "orders_dead",
                  "orders_alone", "mails_healthy", "webhooks_healthy", "hanging_dead"},
    "members": {f"{figure}_{nodes}" for nodes in (3, 10, 30) for figure in (
        "statements_per_s", "statements_per_s_per_node", "link_heartbeats_per_s", "moved", "moved_share", "join_s",
        "largest_to_mean")},
}
NONE_OF = {
    "hot-sku": {"refused"},
    "spread": {"refused"},
    "http-checkout": {"errors", "cart_errors"},
    "http-read": {"errors"},
    "idle": set(),
    "remote": {"refused"},
    "outbox": {"refused", "missing"},
    "lanes": {"refused"},
    "payments": {"refused", "unsettled", "mismatches"},
    "isolation": {"errors", "taken_dead", "not_quiet"},
    "members": {f"shard_messages_per_s_{nodes}" for nodes in (3, 10, 30)},
}


@pytest.fixture
def place():
    it = Shop()
    yield it
    it.remove()


@pytest.mark.parametrize("name", sorted(COUNTED))
def test_a_benchmark_ends_with_its_figures(place, name):
    said = place.souk("bench", name, "--", "--seconds", "1").stdout
    figures = json.loads(said.splitlines()[-1])
    assert figures["name"] == name, said
    assert all(isinstance(v, (int, float)) and math.isfinite(v) for k, v in figures.items() if k != "name"), said
    for key in COUNTED[name] | {"baseline", "ratio"}:
        assert figures[key] > 0, f"{key} in {said}"
    for key in NONE_OF[name]:
        assert figures[key] == 0, f"{key} in {said}"


def test_an_unknown_benchmark_is_refused_by_name(place):
    done = place.souk("bench", "hot-sky", check=False)
    assert done.returncode != 0
    assert "hot-sky" in done.stdout
