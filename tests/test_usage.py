"""`usage`: sums by day, month, model, conversation and purpose, in local time."""

from __future__ import annotations

import csv
import io
import json
import shutil
from datetime import datetime
from pathlib import Path

import pytest
from rich.cells import cell_len

from tests.scripted import Scripted, refuses, says
from tests.test_cli import Program, failed, online, program
from tests.test_migrations import DATA, changed
from tests.turns import on_disk

__all__ = ["online", "program"]

BERLIN = "CET-1CEST,M3.5.0,M10.5.0/3"
"""Berlin's time, as the system knows it without a list of zones."""

TIMES = (
    "2026-10-24T21:30:00+00:00",  # 23:30 of the 24th, summer time
    "2026-10-24T22:30:00+00:00",  # 0:30 of the 25th, summer time
    "2026-10-25T22:30:00+00:00",  # 23:30 of the 25th, 25 hours long, winter time
    "2026-10-25T23:30:00+00:00",  # 0:30 of the 26th
    "2026-10-31T23:30:00+00:00",  # 0:30 of November
)


@pytest.fixture
def dated(program: Program, history: Path) -> Program:
    """The program, with a history whose requests were sent around a change of the clock."""
    shutil.copyfile(DATA / "history-v8.db", history)
    changed(history, "DELETE FROM requests WHERE state IN ('failed', 'cut_off')")
    for rowid, time in enumerate(TIMES, 1):
        ms = round(datetime.fromisoformat(time).timestamp() * 1000)
        changed(
            history,
            f"UPDATE requests SET started_ms = {ms} WHERE id ="
            f" (SELECT id FROM requests ORDER BY id LIMIT 1 OFFSET {rowid - 1})",
        )
    return program


def counted(program: Program, *arguments: str, zone: str) -> dict[str, int]:
    """Return the number of requests by the first column."""
    done = program.run("usage", "--json", *arguments, TZ=zone)
    assert (done.code, done.err) == (0, "")
    return {next(iter(row.values())): row["requests"] for row in json.loads(done.out)}


def test_days_and_months_are_local_whatever_the_clock_did(dated: Program) -> None:
    assert counted(dated, zone=BERLIN) == {
        "2026-10-24": 1,
        "2026-10-25": 2,
        "2026-10-26": 1,
        "2026-11-01": 1,
    }
    assert counted(dated, zone="UTC") == {
        "2026-10-24": 2,
        "2026-10-25": 2,
        "2026-10-31": 1,
    }
    assert counted(dated, "--by", "month", zone=BERLIN) == {"2026-10": 4, "2026-11": 1}
    late = dated.run("usage", "--since", "2200-01-01")
    assert late.err == "No requests were sent since 2200-01-01.\n"
    # The 25th begins in summer time.
    assert sum(counted(dated, "--since", "2026-10-25", zone=BERLIN).values()) == 4
    assert sum(counted(dated, "--since", "2026-10-26", zone=BERLIN).values()) == 2


def test_every_way_to_sum_has_the_same_total(dated: Program, history: Path) -> None:
    ((whole,),) = on_disk(history, "SELECT sum(price_nano_usd) FROM costs")
    assert whole == 5 * 494_300
    for by in ("day", "month", "model", "conversation", "purpose"):
        rows = json.loads(dated.run("usage", "--json", "--by", by).out)
        assert round(sum(row["price_usd"] for row in rows) * 10**9) == whole
        assert sum(row["output_tokens"] for row in rows) == 5 * 42
        done = dated.run("usage", "--by", by)
        assert done.out.splitlines()[-1].split() == [
            *("total", "5", "125", "340", "35", "210", "$0.0025"),
        ]


def test_costs_come_by_purpose_and_stay_when_a_conversation_is_deleted(
    online: Program, server: Scripted, tmp_path: Path, history: Path
) -> None:
    config = tmp_path / "config.toml"
    config.write_text(
        '[prices."claude-sonnet-5-5"]\ninput = 2\noutput = 10\n'
        "cache_read = 0.1\ncache_write_5m = 2.5\n",
        encoding="utf-8",
    )
    online.environ["STREAMCHAT_CONFIG"] = str(config)
    server.will(refuses(529, "overloaded_error", retry_after="0"), says("Words"))
    done = online.run("ask", "--json", "=1+1")
    reply = json.loads(done.out)
    assert (reply["price_usd"], reply["is_price_minimum"]) == (0.0004943, 0)
    shown = json.loads(online.run("log", "--json", reply["conversation_id"]).out)
    assert [row["price_usd"] for row in shown] == [None, 0.0004943]
    done = online.run("usage", "--by", "purpose")
    assert [line.split()[::6] for line in done.out.splitlines()[1:]] == [
        ["retry", "$0.0005"],
        ["reply", "0"],
        ["total", "$0.0005"],
    ]
    # A title that begins like a formula is a text to a spreadsheet.
    done = online.run("usage", "--by", "conversation", "--csv")
    (row,) = csv.DictReader(io.StringIO(done.out))
    assert (row["title"], row["price_usd"]) == ("'=1+1", "0.0004943")
    changed(history, "UPDATE conversations SET deleted_ms = 1")
    done = online.run("usage", "--by", "conversation")
    assert "(deleted)" in done.out
    assert "1+1" not in done.out
    assert done.out.splitlines()[-1].endswith("$0.0005")


def test_columns_are_straight_below_wide_titles(dated: Program, history: Path) -> None:
    changed(history, "UPDATE conversations SET title = CASE rowid % 2 WHEN 0 THEN 'Moon'"
            f" ELSE '{'東京では' * 11}' END")  # fmt: skip
    lines = dated.run("usage", "--by", "conversation").out.splitlines()
    assert "東" in "".join(lines)
    assert len({cell_len(line) for line in lines}) == 1
    assert cell_len(lines[0].partition("REQUESTS")[0]) == len("000000") + 2 + 40 + 2


def test_what_is_wrong_is_one_line(program: Program) -> None:
    assert "'yesterday' is not a day" in failed(program.run("usage", "--since", "yesterday"), 2)
    assert "not a day" in failed(program.run("usage", "--since", "0001-01-01"), 2)
    done = program.run("usage")
    assert (done.code, done.out, done.err) == (0, "", "No requests were sent yet.\n")
    assert program.run("usage", "--json").out == "[]\n"
    assert program.run("usage", "--csv").out == ""
