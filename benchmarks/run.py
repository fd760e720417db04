"""How fast it is, on this machine: start, one comment, a batch, a file, HTTP. Run by `make bench`.

Absolute times of a noisy machine: compare them only with others of the same run.
"""

from __future__ import annotations

import csv
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.table import Table
from sklearn.feature_extraction.text import HashingVectorizer

from moderation import Article, Comment, Moderator

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / ".cache" / "bench.json"
PORT = 8917


def sample() -> list[Comment]:
    """The repository's own comments under their articles."""
    with (ROOT / "data" / "articles.csv").open(encoding="utf-8", newline="") as file:
        articles = {row["id"]: Article(row["title"], row["text"]) for row in csv.DictReader(file)}
    with (ROOT / "data" / "comments.csv").open(encoding="utf-8", newline="") as file:
        return [Comment(row["text"], articles[row["article_id"]]) for row in csv.DictReader(file)]


def distinct(comments: list[Comment], count: int) -> list[Comment]:
    """So many comments, no two of them equal."""
    rounds = -(-count // len(comments))
    return [Comment(f"{c.text} {turn}", c.article) for turn in range(rounds) for c in comments][:count]


def seconds(action: Callable[[], object], repeats: int = 5) -> float:
    """Median time of an action, after one that is not counted."""
    action()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def process_seconds(code: str) -> float:
    """Median time of a Python process that runs `code`."""
    return seconds(lambda: subprocess.run([sys.executable, "-c", code], check=True), repeats=3)


@contextmanager
def service() -> Iterator[httpx.Client]:
    """The real service in a process of its own."""
    command = [sys.executable, "-m", "moderation", "serve", "--port", str(PORT)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{PORT}", timeout=30) as client:
                _wait(client)
                yield client
        finally:
            process.terminate()


def _wait(client: httpx.Client) -> None:
    for _ in range(100):
        try:
            if client.get("/readyz").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise SystemExit("the service did not come up")


def measure() -> dict[str, float]:
    """All figures by name."""
    moderator, comments = Moderator.load(), sample()
    batch = distinct(comments, 8 * len(comments))
    texts = [comment.text for comment in batch]
    alone = [Comment(comment.text) for comment in batch]
    rival = HashingVectorizer(analyzer="char_wb", ngram_range=(2, 5))
    figures = {
        "import and load, seconds": process_seconds("import moderation; moderation.Moderator.load()"),
        "import scikit-learn and FastAPI, seconds": process_seconds("import sklearn, fastapi"),
        "batch, with off_topic, comments a second": len(batch) / seconds(lambda: moderator.score(batch)),
        "batch, without context, comments a second": len(batch) / seconds(lambda: moderator.score(alone)),
        "HashingVectorizer(char_wb, 2 to 5) alone, comments a second": len(batch)
        / seconds(lambda: rival.transform(texts), repeats=1),
        "one comment, with off_topic, microseconds": 1e6 * seconds(lambda: moderator.score(comments[:1]), repeats=200),
        "one comment explained, microseconds": 1e6 * seconds(lambda: moderator.explain(comments[0], ["insult"]), 20),
        "20,480 bytes against 205, times as long": seconds(lambda: moderator.score([Comment("a quiet word " * 1575)]))
        / seconds(lambda: moderator.score([Comment(("a quiet word " * 16)[:205])]), repeats=50),
        "CSV file, comments a second": file_speed(batch),
    }
    with service() as client:
        figures |= http_figures(client, comments)
    return figures


def file_speed(comments: list[Comment]) -> float:
    """Comments a second through `moderation score`, the process's start left out."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "in.csv"
        with file.open("w", newline="", encoding="utf-8") as handle:
            rows = csv.writer(handle)
            rows.writerow(["text", "article_title", "article_text"])
            rows.writerows([c.text, c.article.title, c.article.text] for c in comments if c.article)
        command = [sys.executable, "-m", "moderation", "score", str(file), "-o", str(Path(folder) / "out.csv")]

        def run() -> None:
            subprocess.run(command, check=True, stderr=subprocess.DEVNULL)

        idle = process_seconds("import moderation.cli; moderation.Moderator.load()")
        return len(comments) / (seconds(run, repeats=1) - idle)


def http_figures(client: httpx.Client, comments: list[Comment]) -> dict[str, float]:
    """Latency under 16 connections, and the batch endpoint's speed."""
    bodies = [{"comment": {"text": c.text}, "article": {"title": c.article.title}} for c in comments if c.article]

    def post(body: dict[str, Any]) -> float:
        start = time.perf_counter()
        client.post("/v1/score", json=body).raise_for_status()
        return time.perf_counter() - start

    start = time.perf_counter()
    with ThreadPoolExecutor(16) as pool:
        times = sorted(pool.map(post, bodies))
    took = time.perf_counter() - start
    batch = seconds(lambda: client.post("/v1/score/batch", json={"comments": bodies}).raise_for_status(), repeats=3)
    return {
        "HTTP, 16 connections, requests a second": len(bodies) / took,
        "HTTP, 16 connections, p50 in milliseconds": 1e3 * times[len(times) // 2],
        "HTTP, 16 connections, p99 in milliseconds": 1e3 * times[int(len(times) * 0.99)],
        "HTTP batch endpoint, comments a second": len(bodies) / batch,
    }


def main() -> None:
    """Measure, print a table, keep the figures as JSON."""
    figures = measure()
    table = Table("measured", "figure")
    for name, value in figures.items():
        table.add_row(name, f"{value:,.3g}" if value < 1000 else f"{value:,.0f}")
    Console().print(table)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
