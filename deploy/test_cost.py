"""Tests of scripts/cost: docs/COST.md has its tables, and its assumptions match the service."""

import importlib.machinery
import importlib.util
import json
import re
import subprocess

import pytest
from test_template import FUNCTIONS, alarm_metrics, form
from translation import ROOT


def script():
    loader = importlib.machinery.SourceFileLoader("cost", str(ROOT / "scripts/cost"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("cost", loader))
    loader.exec_module(module)
    return module


cost = script()
PAGE = (ROOT / "docs/COST.md").read_text()
READS = {cost.READ: 1e8}


@pytest.mark.parametrize("name", cost.TABLES)
def test_the_page_shows_the_tables_of_the_script(name):
    [match] = cost.marked(name).finditer(PAGE)
    shown = match[0].removeprefix(match[1]).removesuffix(match[2])
    assert shown == cost.TABLES[name](), "run scripts/cost --write"


def test_it_prints_every_table():
    printed = subprocess.run([ROOT / "scripts/cost"], capture_output=True, text=True, check=True).stdout
    assert all(made() in printed for made in cost.TABLES.values())


def test_every_price_has_a_source_and_a_date():
    for name, price in cost.PRICES.items():
        assert price.dollars > 0 and price.per >= 1 and price.unit, name
        assert re.fullmatch(r"(aws\.amazon|upstash)\.com/[a-z/0-9-]+", price.source), name
        assert re.fullmatch(r"2026-\d\d-\d\d", price.date), name
    assert cost.FREE.keys() | cost.FREE_TIERS.keys() <= cost.PRICES.keys()


def test_a_hundred_million_reads_with_the_cdn_and_upstash_are_below_the_goal():
    month = cost.month(READS, "Upstash", cdn=True)
    # CloudFront, computed by hand: 10 of the 100 million requests are free, 2 million function calls, and all 340 GB.
    assert month.cloudfront == pytest.approx(90 * 1.00 + 98 * 0.10)
    # At most one request per minute and regional cache reaches the API.
    assert month.api_requests <= cost.CACHES * cost.SECONDS / 60
    assert month.total + cost.fixed("Upstash") <= cost.GOAL == 125


def test_the_cost_of_a_read_without_the_cdn_is_the_sum_of_its_parts():
    month = cost.month({cost.READ: 1e6}, "Upstash", cdn=False)
    parts = 1.00 + 0.20 + 0.25 * 6500 * 0.0000133334 + 1.284 * 0.50 + 0.05 + 3.4 * 0.09
    assert month.aws == pytest.approx(parts)
    assert (month.cloudfront, month.redis, month.api_requests) == (0, pytest.approx(2.00), 1e6)
    assert cost.month({cost.READ: 1e6}, "ElastiCache", cdn=False).redis == pytest.approx(28 * 0.0023)
    # Upstash's transfer beyond 200 GB.
    assert cost.month(READS, "Upstash", cdn=False).redis == pytest.approx(200 + (2730 - 200) * 0.03)


@pytest.mark.parametrize("route", cost.PAGE_VIEW, ids=lambda route: route.path)
def test_the_cdn_passes_on_few_of_many_requests_and_nearly_all_of_few(route):
    most = cost.CACHES * cost.SECONDS / route.lifetime
    assert cost.reach_the_api(1e9, route) == pytest.approx(most, rel=0.01)
    assert cost.reach_the_api(1000, route) == pytest.approx(1000, rel=0.02)
    counts = [cost.reach_the_api(10**n, route) for n in range(3, 10)]
    assert counts == sorted(counts) and max(counts) < most


@pytest.mark.parametrize("redis", ["Upstash", "ElastiCache"])
def test_the_cdn_never_raises_the_cost_of_a_month(redis):
    for requests in cost.MONTHS.values():
        with_it, without = (cost.month(requests, redis, cdn).total for cdn in (True, False))
        assert with_it < without


def test_free_tiers_never_raise_a_cost_or_make_it_negative():
    for requests in cost.MONTHS.values():
        for cdn in (True, False):
            free, full = (cost.month(requests, "Upstash", cdn, free=free) for free in (True, False))
            assert all(0 <= ours <= theirs for ours, theirs in zip(free, full, strict=True))
    assert (cost.fixed("Upstash"), cost.fixed("Upstash", free=True)) == (pytest.approx(12.10), pytest.approx(5.10))
    assert cost.fixed("ElastiCache") == pytest.approx(11.70 + 6.132 + 32.85 + 3.65)


def test_cache_lifetimes_match_those_of_the_functions():
    source = (ROOT / "shared/src/web/cache_control.rs").read_text()
    named = {name: int(seconds) for name, seconds in re.findall(r"const (\w+): i64 = (\d+);", source)}
    [edge] = {form(Cdn="cloudfront").properties(name)["Environment"]["Variables"]["EDGE_SECONDS"] for name in FUNCTIONS}
    assert cost.READ.lifetime == int(edge)
    assert cost.LAST_UPDATED.lifetime == named["LAST_UPDATED"]
    assert cost.COOLDOWN_STATUS.lifetime == named["COOLDOWN_STATUS"]


def test_memory_sizes_match_those_of_the_template():
    memory = {name: form().properties(name)["MemorySize"] for name in FUNCTIONS}
    assert [route.memory for route in cost.PAGE_VIEW] == [memory["Read"], memory["Read"], memory["CooldownStatus"]]


def test_the_paths_are_in_the_openapi_document():
    document = json.loads((ROOT / "shared/openapi.json").read_text())
    assert all("get" in document["paths"][route.path] for route in cost.PAGE_VIEW)


def test_the_number_of_watched_metrics_is_that_of_production():
    alarms = form(stage="prod").of_type("AWS::CloudWatch::Alarm").values()
    assert sum(len(alarm_metrics(alarm)) for alarm in alarms) == cost.WATCHED
    development = form().of_type("AWS::CloudWatch::Alarm").values()
    assert sum(len(alarm_metrics(alarm)) for alarm in development) == cost.WATCHED - 3


def test_the_readme_has_the_same_totals():
    small, large = (
        cost.money(cost.fixed("Upstash") + cost.month(cost.views(count), "Upstash", cdn=False).total)
        for count in (1e5, 1e6)
    )
    readme = " ".join((ROOT / "README.md").read_text().split())
    assert f"about {small} a month at 100 thousand page views and {large} at a million" in readme
    with_cdn, without = (
        cost.money(cost.fixed("Upstash") + cost.month(READS, "Upstash", cdn=cdn).total) for cdn in (True, False)
    )
    assert f"{with_cdn} instead of {without} at 100 million reads" in readme
