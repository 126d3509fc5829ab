"""Who may include whom, and which words a folder does not know: the shape of docs/, kept true by the code itself."""

import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]

MAY_INCLUDE = {
    "config": {"config"},
    "storage": {"storage", "config"},
    "runtime": {"runtime", "storage", "config"},
    "actors": {"actors", "runtime", "storage", "config"},
    "integrations": {"integrations", "actors", "runtime", "storage", "config"},
    "http": {"http", "actors", "runtime", "storage", "config"},
}

# Parts of identifiers, so `cart_id` and `cart` but not `cartesian`; comments may explain by example.
COMMERCE = {"cart", "carts", "checkout", "coupon", "inventory", "merchant", "order", "orders", "payment", "payments", "price",
            "product", "products", "refund", "reservation", "reservations", "review", "shopper", "sku", "stock"}
NOT_COMMERCE = re.compile(r"\b(memory_order\w*|\w+_order|order_by\w*)\b|\bstd::\w+")  # `batch_order`: a sequence, no purchase
VENDORS = {"elasticsearch", "hiredis", "httplib", "libpq", "opensearch", "paypal", "postgres", "postgresql", "redis", "stripe"}
PROTOCOLS = {"curl", "http", "https", "pg", "sql"}  # in code; a text may say that an image is an https address
SQL = re.compile(r'"\s*(SELECT\s|INSERT\s+INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM|WITH\s+\w+\s+AS\s*\()', re.IGNORECASE)


def sources(folder):
    return sorted(p for p in (ROOT / folder).rglob("*") if p.suffix in {".hpp", ".cpp"})


def code_of(text):
    """The text without comments; line numbers stay."""
    blank = lambda match: re.sub(r"[^\n]", " ", match.group()) if match.group().startswith("/") else match.group()
    return re.sub(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"', blank, text, flags=re.DOTALL)


def without_strings(text):
    return re.sub(r'"(?:\\.|[^"\\\n])*"', '""', code_of(text))


def lines_with(words, text, exempt=re.compile(r"(?!)")):
    for number, line in enumerate(code_of(text).splitlines(), 1):
        for identifier in re.findall(r"[A-Za-z_]\w*", exempt.sub(" ", line)):
            if words & set(identifier.lower().split("_")):
                yield number, line.strip()
                break


def wrong_includes(folder, text):
    for number, line in enumerate(text.splitlines(), 1):
        included = re.match(r'\s*#\s*include\s+["<]([\w-]+)/', line)
        if included and included.group(1) in MAY_INCLUDE and included.group(1) not in MAY_INCLUDE[folder]:
            yield number, line.strip()


def report(findings):
    return "\n".join(f"{path.relative_to(ROOT)}:{number}: {line}" for path, number, line in findings)


def in_folder(folder, check):
    return [(path, number, line) for path in sources(folder) for number, line in check(path.read_text())]


@pytest.mark.parametrize("folder", MAY_INCLUDE)
def test_a_folder_includes_only_what_lies_below_it(folder):
    assert sources(folder), f"{folder}/ is empty"
    found = in_folder(folder, lambda text: wrong_includes(folder, text))
    assert not found, report(found)


def test_the_runtime_knows_no_commerce_word():
    found = in_folder("runtime", lambda text: lines_with(COMMERCE, text, NOT_COMMERCE))
    assert not found, report(found)


def test_actors_know_no_sql_no_http_and_no_vendor():
    sql = lambda text: [(n, l.strip()) for n, l in enumerate(code_of(text).splitlines(), 1) if SQL.search(l)]
    found = in_folder("actors", lambda text: [*lines_with(VENDORS, text), *lines_with(PROTOCOLS, without_strings(text)),
                                              *sql(text)])
    assert not found, report(found)


def test_storage_knows_no_actor():
    found = in_folder("storage", lambda text: [(n, l) for n, l in enumerate(text.splitlines(), 1) if re.match(r"#include <caf/", l)])
    assert not found, report(found)


@pytest.mark.parametrize("folder", [*(MAY_INCLUDE.keys() - {"config"}), "soukd"])
def test_only_config_reads_the_environment(folder):
    found = in_folder(folder, lambda text: lines_with({"getenv", "environ"}, text))
    assert not found, report(found)


def test_the_checks_see_what_they_look_for():
    assert list(wrong_includes("storage", '#include "actors/cart/messages.hpp"\n#include "config/log.hpp"')) == [
        (1, '#include "actors/cart/messages.hpp"')]
    assert list(lines_with(COMMERCE, "int a;\nulid order_id; // why", NOT_COMMERCE)) == [(2, "ulid order_id;")]
    assert not list(lines_with(COMMERCE, "x.load(std::memory_order_relaxed); // of an order\n/* a\ncart */", NOT_COMMERCE))
    assert not list(lines_with(PROTOCOLS, without_strings('f("https://x", "PG");')))
    assert list(lines_with(PROTOCOLS, without_strings('http_status("a");')))
    assert SQL.search('auto q = "select 1 from t";') and not SQL.search('auto q = "selected";')
