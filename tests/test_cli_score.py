"""`moderation score`, as it is typed."""

from __future__ import annotations

import csv
import io
import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from moderation.labels import LABELS

Command = Callable[..., CompletedProcess[bytes]]
Row = dict[str, Any]

MEGABYTE = 1_000_000
RUDE = "You clueless idiot, shut up."
KIND = "My daughter works nights at the hospital."
ARTICLE = {"title": "Harbour town votes to keep its night ferry", "text": "The council pays for the boat."}


def csv_rows(content: bytes) -> list[Row]:
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))


def jsonl_rows(content: bytes) -> list[Row]:
    return [json.loads(line) for line in content.splitlines()]


def parquet_rows(content: bytes) -> list[Row]:
    return pq.read_table(io.BytesIO(content)).to_pylist()


def csv_bytes(rows: list[Row]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def jsonl_bytes(rows: list[Row]) -> bytes:
    return "".join(f"{json.dumps(row)}\n" for row in rows).encode()


def parquet_bytes(rows: list[Row]) -> bytes:
    stream = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), stream)
    return stream.getvalue()


READ = {"csv": csv_rows, "jsonl": jsonl_rows, "parquet": parquet_rows}
WRITTEN = {"csv": csv_bytes, "jsonl": jsonl_bytes, "parquet": parquet_bytes}


def put(path: Path, content: bytes | str) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def texts(path: Path, *comments: str) -> Path:
    return put(path, csv_bytes([{"text": comment} for comment in comments]))


def only_line(stream: bytes) -> str:
    [line] = stream.decode().splitlines()
    return line


# --- what is written


@pytest.fixture(scope="module")
def thread(root: Path) -> list[Row]:
    """The comments of the demonstration."""
    return csv_rows((root / "data/demo/thread.csv").read_bytes())


@pytest.fixture(scope="module")
def scored(command: Command, root: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Row], str]:
    """The demonstration's comments with verdicts and reasons, and what was said on standard error."""
    out = tmp_path_factory.mktemp("scored") / "scored.csv"
    demo = root / "data" / "demo"
    done = command("score", demo / "thread.csv", "--article", demo / "article.json", "--explain", "-o", out)
    assert (done.returncode, done.stdout) == (0, b"")
    return csv_rows(out.read_bytes()), done.stderr.decode()


def test_all_columns_pass_through_and_verdicts_come_behind_them(
    scored: tuple[list[Row], str], thread: list[Row]
) -> None:
    rows, _ = scored
    assert list(rows[0]) == [*thread[0], *LABELS, "flags", "action", "spans"]
    assert [{name: row[name] for name in thread[0]} for row in rows] == thread


def test_every_comment_gets_probabilities_and_one_of_three_actions(scored: tuple[list[Row], str]) -> None:
    rows, _ = scored
    assert all(0 <= float(row[label]) <= 1 for row in rows for label in LABELS)
    assert all(set(row["flags"].split()) <= set(LABELS) for row in rows)
    assert {row["action"] for row in rows} == {"approve", "review", "reject"}


def test_an_insult_is_flagged_and_a_fair_comment_is_not(scored: tuple[list[Row], str], thread: list[Row]) -> None:
    rows, _ = scored
    insult = next(row for row in rows if "m0r0n" in row["text"])
    assert "insult" in insult["flags"].split()
    assert insult["action"] != "approve"
    assert rows[0]["flags"] == ""
    assert rows[0]["action"] == "approve"


def test_spans_point_into_the_text_and_name_its_flags(scored: tuple[list[Row], str]) -> None:
    rows, _ = scored
    for row in rows:
        for start, end, label, weight in json.loads(row["spans"]):
            assert row["text"][start:end].strip()
            assert label in row["flags"].split()
            assert weight > 0
    insult = next(row for row in rows if "m0r0n" in row["text"])
    assert any("m0r0n" in insult["text"][start:end] for start, end, *_ in json.loads(insult["spans"]))


def test_the_number_of_comments_is_said_on_standard_error(scored: tuple[list[Row], str]) -> None:
    assert scored[1] == "12 comments scored\n"


@pytest.mark.parametrize("target", READ)
@pytest.mark.parametrize("source", WRITTEN)
def test_every_format_goes_into_every_other(cli: Command, tmp_path: Path, source: str, target: str) -> None:
    before = [
        {"zeta": 'ümläut, "quoted"\nand two lines', "text": RUDE, "id": "007", "alpha": "\u200fright to left"},
        {"zeta": "", "text": KIND, "id": "1e5", "alpha": " spaces "},
    ]
    file, out = put(tmp_path / f"in.{source}", WRITTEN[source](before)), tmp_path / f"out.{target}"

    assert cli("score", file, "-o", out).returncode == 0

    after = READ[target](out.read_bytes())
    assert [{name: row[name] for name in before[0]} for row in after] == before
    assert list(after[0]) == [*before[0], *LABELS, "flags", "action"]
    assert [float(row["insult"]) > 0.5 for row in after] == [True, False]
    assert after[1]["off_topic"] in ("", None)


@pytest.mark.parametrize("format", READ)
def test_standard_input_goes_to_standard_output(cli: Command, format: str) -> None:
    done = cli("score", "-", "--format", format, "-o", "-", stdin=WRITTEN[format]([{"text": RUDE}, {"text": KIND}]))
    assert done.returncode == 0
    assert ["insult" in row["flags"] for row in READ[format](done.stdout)] == [True, False]


def test_standard_input_needs_a_format(cli: Command) -> None:
    done = cli("score", "-", "-o", "-", stdin=b"text\na\n")
    assert done.returncode == 2
    assert "--format" in only_line(done.stderr)


def test_a_file_is_read_as_its_suffix_says_and_written_to_standard_output_as_asked(
    cli: Command, tmp_path: Path
) -> None:
    file = texts(tmp_path / "in.csv", RUDE)
    assert len(csv_rows(cli("score", file, "-o", "-").stdout)) == 1
    assert jsonl_rows(cli("score", file, "-o", "-", "--format", "jsonl").stdout)[0]["text"] == RUDE


def test_a_file_without_a_telling_suffix_is_read_and_written_as_asked(cli: Command, tmp_path: Path) -> None:
    file, out = put(tmp_path / "in.log", jsonl_bytes([{"text": RUDE}])), tmp_path / "out.log"
    assert cli("score", file, "--format", "jsonl", "-o", out).returncode == 0
    assert jsonl_rows(out.read_bytes())[0]["text"] == RUDE


# --- articles, parents, thresholds


def test_an_article_counts_the_same_as_json_and_as_plain_text(cli: Command, tmp_path: Path) -> None:
    file = texts(tmp_path / "in.csv", "Which recipe for jam is best?")
    put(tmp_path / "article.json", json.dumps(ARTICLE))
    put(tmp_path / "article.txt", f"{ARTICLE['title']}\n\n{ARTICLE['text']}\n")

    scores = [
        csv_rows(cli("score", file, "--article", tmp_path / name, "-o", "-").stdout)[0]["off_topic"]
        for name in ("article.json", "article.txt")
    ]
    assert scores[0] == scores[1]
    assert 0 < float(scores[0]) < 1


def test_a_rows_own_article_and_parent_give_an_off_topic_score_and_nothing_else_does(
    cli: Command, tmp_path: Path
) -> None:
    article = put(tmp_path / "article.json", json.dumps({"title": "A recipe for rhubarb jam"}))
    row = {"text": KIND, "article_title": "", "article_text": "", "parent_text": ""}
    own = {"article_title": ARTICLE["title"], "article_text": ARTICLE["text"]}
    file = put(tmp_path / "in.csv", csv_bytes([row, row | own, row | {"parent_text": RUDE}]))

    alone, under_own, as_reply = (row["off_topic"] for row in csv_rows(cli("score", file, "-o", "-").stdout))
    under_given = csv_rows(cli("score", file, "--article", article, "-o", "-").stdout)

    assert alone == ""
    assert float(under_own) > 0
    assert float(as_reply) > 0
    assert float(under_given[0]["off_topic"]) > 0
    assert under_given[1]["off_topic"] == under_own


@pytest.mark.parametrize(
    "content",
    ["", "{}", "[]", "{", '"title"', '{"title": 5}', '{"title": null, "text": "a"}', '{"headline": "a"}', "[" * 9999],
)
def test_an_unusable_article_is_one_line_that_names_it(cli: Command, tmp_path: Path, content: str) -> None:
    article = put(tmp_path / "article.json", content)
    done = cli("score", texts(tmp_path / "in.csv", KIND), "--article", article, "-o", tmp_path / "out.csv")
    assert done.returncode == 2
    assert str(article) in only_line(done.stderr)
    assert not (tmp_path / "out.csv").exists()


def test_a_policy_changes_flags_and_never_scores(cli: Command, tmp_path: Path) -> None:
    file = texts(tmp_path / "in.csv", RUDE, KIND)
    policy = put(tmp_path / "policy.toml", "[labels.threat]\nflag = 0.0\nreject = 0.0\n")

    usual = csv_rows(cli("score", file, "-o", "-").stdout)
    strict = csv_rows(cli("score", file, "--policy", policy, "-o", "-").stdout)

    assert [row["threat"] for row in strict] == [row["threat"] for row in usual]
    assert all("threat" in row["flags"].split() and row["action"] == "reject" for row in strict)
    assert not any("threat" in row["flags"].split() for row in usual)


def test_an_unusable_policy_is_one_line_that_names_it(cli: Command, tmp_path: Path) -> None:
    policy = put(tmp_path / "policy.toml", "[labels.rudeness]\nflag = 0.5\n")
    done = cli("score", texts(tmp_path / "in.csv", KIND), "--policy", policy)
    assert done.returncode == 2
    assert str(policy) in only_line(done.stderr)


def test_a_balanced_score_is_higher_and_flags_the_same_comments(cli: Command, tmp_path: Path) -> None:
    file = texts(tmp_path / "in.csv", RUDE, KIND, "Bloody hell, what a mess.")
    site = csv_rows(cli("score", file, "-o", "-").stdout)
    balanced = csv_rows(cli("score", file, "--calibration", "balanced", "-o", "-").stdout)
    assert all(float(half["toxicity"]) > float(own["toxicity"]) for half, own in zip(balanced, site, strict=True))
    assert [row["flags"] for row in balanced] == [row["flags"] for row in site]


# --- the table


def test_without_an_output_file_there_is_a_table_of_comments_flags_and_actions(
    cli: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    done = cli("score", texts(tmp_path / "in.csv", RUDE, KIND))
    head, *rows = (line.rstrip() for line in done.stdout.decode().splitlines())
    assert head.split() == ["comment", "flags", "action"]
    assert re.search(rf"^{re.escape(RUDE)} +toxicity [01]\.\d\d +reject$", rows[0])
    assert any(re.search(r"^ +insult [01]\.\d\d$", row) for row in rows[1:])
    assert any(re.search(rf"^{re.escape(KIND)} .*(approve|review)$", row) for row in rows[1:])


def test_the_table_shows_the_article_and_the_words_that_flags_rest_on(
    cli: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    article = put(tmp_path / "article.json", json.dumps(ARTICLE))
    table = cli("score", texts(tmp_path / "in.csv", RUDE), "--article", article, "--explain").stdout.decode()
    assert table.startswith(ARTICLE["title"])
    assert re.search("insult .*“[^”]*idiot", table)


def test_nothing_in_a_comment_directs_the_terminal(cli: Command, tmp_path: Path) -> None:
    comments = [f"a{chr(code)}b {RUDE}" for code in (*range(1, 10), *range(11, 32), 0x7F, 0x9B, 0x202E, 0x2066)]
    done = cli("score", put(tmp_path / "in.jsonl", jsonl_bytes([{"text": text} for text in comments])), "--explain")
    assert done.returncode == 0
    assert not re.findall("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", done.stdout.decode())


# --- odd comments

ODD = {
    "empty": "",
    "white space": " \t\r\n  ",
    "an emoji": "🤬",
    "a megabyte of one letter": "a" * MEGABYTE,
    "a lone surrogate": "you \ud83d idiot",
    "NUL": "you \0 idiot",
    "right-to-left marks": "\u202eyou idiot\u202c \u200f",
}


def test_odd_comments_get_verdicts_like_all_others(cli: Command, tmp_path: Path) -> None:
    rows = [{"name": name, "text": text} for name, text in ODD.items()]
    out = tmp_path / "out.jsonl"
    done = cli("score", put(tmp_path / "in.jsonl", jsonl_bytes(rows)), "--explain", "-o", out)
    assert done.stderr.decode() == "7 comments scored\n"
    after = jsonl_rows(out.read_bytes())
    assert [{"name": row["name"], "text": row["text"]} for row in after] == rows
    assert all(0 <= row["toxicity"] <= 1 and row["action"] in ("approve", "review", "reject") for row in after)
    assert {row["name"] for row in after if "insult" in row["flags"]} >= {"a lone surrogate", "NUL"}


@pytest.mark.parametrize("name", ODD)
def test_odd_comments_fit_into_the_table(cli: Command, tmp_path: Path, name: str) -> None:
    done = cli("score", put(tmp_path / "in.jsonl", jsonl_bytes([{"text": ODD[name]}])), "--explain")
    assert (done.returncode, done.stderr) == (0, b"1 comments scored\n")
    assert len(done.stdout) < 5_000


# --- bad input

NO_ROW = None
CUT = parquet_bytes([{"text": "a"}] * 100)[:-50]
BAD = {
    "missing column": ("in.csv", b"comment\na\n", NO_ROW, "'text'"),
    "quote never closed": ("in.csv", b'text\na\n"b\nc\n', 2, "never closed"),
    "quote in a quoted field": ("in.csv", b'text\na\nb\n"c"d"\n', 3, "write it twice"),
    "too few fields": ("in.csv", b"text,id\na,1\nb\n", 2, "too few fields"),
    "invalid UTF-8 in CSV": ("in.csv", b"text\n\xff\xfe\n", 1, "UTF-8"),
    "invalid UTF-8 in JSON Lines": ("in.jsonl", b'{"text": "a"}\n{"text": "\xff"}\n', 2, "UTF-8"),
    "no JSON": ("in.jsonl", b'{"text": "a"}\n{"text": \n', 2, "is not JSON"),
    "no object": ("in.jsonl", b'["a"]\n', 1, "not a JSON object"),
    "no text": ("in.jsonl", b'{"text": "a"}\n\n{"comment": "b"}\n', 2, "has no 'text'"),
    "a number for a text": ("in.jsonl", b'{"text": 5}\n', 1, "not a string"),
    "null for a text": ("in.parquet", parquet_bytes([{"text": "a"}, {"text": None}]), 2, "null"),
    "truncated Parquet": ("in.parquet", CUT, NO_ROW, "Parquet"),
    "empty CSV": ("in.csv", b"", NO_ROW, "empty"),
    "empty Parquet": ("in.parquet", b"", NO_ROW, "Parquet"),
    "not gzip": ("in.csv.gz", b"text\na\n", NO_ROW, "gzip"),
    "a column where results go": ("in.csv", b"text,insult\na,1\n", NO_ROW, "'insult'"),
    "unknown suffix": ("in.xlsx", b"PK", NO_ROW, ".xlsx"),
}


@pytest.mark.parametrize("existing", [None, b"precious"], ids=["no output before", "an output before"])
@pytest.mark.parametrize(("name", "content", "row", "reason"), BAD.values(), ids=list(BAD))
def test_bad_input_is_one_line_and_leaves_everything_as_it_was(
    cli: Command, tmp_path: Path, name: str, content: bytes, row: int | None, reason: str, existing: bytes | None
) -> None:
    file, out = put(tmp_path / name, content), tmp_path / "out.csv"
    if existing is not None:
        out.write_bytes(existing)
    before = sorted(tmp_path.iterdir())

    done = cli("score", file, "-o", out)

    assert (done.returncode, done.stdout) == (2, b"")
    line = only_line(done.stderr)
    assert line.startswith(f"moderation: {file}{f', row {row}' if row else ''}: ")
    assert reason in line
    assert sorted(tmp_path.iterdir()) == before
    assert existing is None or out.read_bytes() == existing


def test_a_bad_row_behind_thousands_of_good_ones_leaves_nothing_of_them(command: Command, tmp_path: Path) -> None:
    file = put(tmp_path / "in.csv", "text\n" + "fine\n" * 2500 + '"broken\n')
    done = command("score", file, "-o", tmp_path / "out.csv")
    assert (done.returncode, done.stdout) == (2, b"")
    assert only_line(done.stderr).startswith(f"moderation: {file}, row 2501: ")
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("format", READ)
def test_bad_rows_are_left_out_on_request_reported_and_counted(cli: Command, tmp_path: Path, format: str) -> None:
    content = {
        "csv": b'text,id\na,1\n"b"x,2\nc\n\xff,4\ne,5\n',
        "jsonl": b'{"text": "a"}\n{"text": 2}\n{}\n\xff\n{"text": "e"}\n',
        "parquet": parquet_bytes([{"text": text} for text in ("a", None, None, None, "e")]),
    }[format]
    file, out = put(tmp_path / f"in.{format}", content), tmp_path / "out.jsonl"

    done = cli("score", file, "--on-error", "skip", "-o", out)

    assert done.returncode == 0
    *reports, count = done.stderr.decode().splitlines()
    assert [report.partition(": ")[2].partition(": ")[0] for report in reports] == [
        f"{file}, row {n}" for n in (2, 3, 4)
    ]
    assert count == "2 comments scored, 3 bad rows left out"
    assert [row["text"] for row in jsonl_rows(out.read_bytes())] == ["a", "e"]


@pytest.mark.parametrize(
    ("file", "out"), [("nowhere.csv", "out.csv"), ("in.csv", "nowhere/out.csv"), ("in.csv", "folder.csv")]
)
def test_a_place_that_does_not_exist_is_one_line_that_names_it(
    cli: Command, tmp_path: Path, file: str, out: str
) -> None:
    texts(tmp_path / "in.csv", KIND)
    (tmp_path / "folder.csv").mkdir()
    done = cli("score", tmp_path / file, "-o", tmp_path / out)
    assert done.returncode == 2
    assert str(tmp_path / (out if file == "in.csv" else file)) in only_line(done.stderr)


def test_an_unusable_bundle_is_one_line_and_leaves_no_output(
    cli: Command, unusable_bundle: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.csv"
    done = cli("score", texts(tmp_path / "in.csv", KIND), "--model", unusable_bundle, "-o", out)
    assert done.returncode == 2
    assert only_line(done.stderr).startswith(f"moderation: {unusable_bundle}")
    assert not out.exists()


# --- as a process among others


@pytest.mark.parametrize("output", [["-o", "-"], []], ids=["rows", "table"])
def test_a_reader_that_leaves_early_ends_it_quietly(tmp_path: Path, output: list[str]) -> None:
    file = put(tmp_path / "in.csv", "text\n" + "fine and long enough to fill a pipe in no time\n" * 3000)
    run = [sys.executable, "-m", "moderation", "score", str(file), *output]
    with subprocess.Popen(run, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1


def test_an_interrupted_run_leaves_nothing(tmp_path: Path) -> None:
    run = [sys.executable, "-m", "moderation", "score", "-", "--format", "csv", "-o", str(tmp_path / "out.csv")]
    with subprocess.Popen(run, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stderr is not None
        process.stdin.write(b"text\nfine\n")
        process.stdin.flush()
        while not list(tmp_path.iterdir()) and process.poll() is None:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        said = process.stderr.read()
    assert process.returncode == 130
    assert only_line(said).startswith("moderation: interrupted")
    assert list(tmp_path.iterdir()) == []


def peak_memory(file: Path, out: Path) -> float:
    """Megabytes that scoring a file takes at most.

    A small process starts it, since the peak of a child begins at that of its parent.
    """
    script = (
        "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True); "
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    run = [sys.executable, "-c", script, sys.executable, "-m", "moderation", "score", str(file), "-o", str(out)]
    peak = int(subprocess.run(run, check=True, capture_output=True, timeout=120).stdout)
    return peak / (1e6 if sys.platform == "darwin" else 1e3)  # bytes there, kilobytes elsewhere


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    short, long = (
        put(tmp_path / f"{rows}.csv", "text\n" + "".join(f"comment {n} is a fine one\n" for n in range(rows)))
        for rows in (2_000, 40_000)
    )
    growth = peak_memory(long, tmp_path / "long_out.csv") - peak_memory(short, tmp_path / "short_out.csv")
    assert len(csv_rows((tmp_path / "long_out.csv").read_bytes())) == 40_000
    assert growth < 60
