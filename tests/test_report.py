"""The report of an evaluation says what the figures say, shows any text unharmed and harmless, and needs no network."""

from __future__ import annotations

import csv
import json
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import auc

from moderation import Comment
from moderation.evaluation.curves import CURVE_POINTS, LONGEST_TEXT, THRESHOLDS, WORST, details
from moderation.evaluation.ranking import measure
from moderation.evaluation.scoring import Scored
from moderation.html_report import visible
from moderation.labels import LABELS
from moderation.policy import Thresholds

Command = Callable[..., CompletedProcess[bytes]]

VOID = {"meta"}
HARMLESS = set(
    "html head meta title style body header main section article details summary div p h1 h2 h3 h4 b span i a dl dt dd"
    " ol li table thead tbody tr th td figure figcaption svg path text".split()
)


@dataclass
class Page(HTMLParser):
    """What a browser would make of a page: its elements, its tables and its text."""

    elements: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    tables: list[list[list[str]]] = field(default_factory=list)
    text: str = ""
    style: str = ""
    opened: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.opened.append(tag)
        match tag:
            case "table":
                self.tables.append([])
            case "tr":
                self.tables[-1].append([])
            case "td" | "th":
                self.tables[-1][-1].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.opened.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" in self.opened:
            self.style += data
        else:
            self.text += data
        if {"td", "th"} & set(self.opened):
            self.tables[-1][-1][-1] += data.strip() and data

    @property
    def tags(self) -> set[str]:
        return {tag for tag, _ in self.elements}


def parsed(html: str) -> Page:
    page = Page()
    page.feed(html)
    page.close()
    assert page.opened == []
    return page


@pytest.fixture(scope="module")
def written(command: Command, root: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, Any]]:
    """The report on the sample, as HTML and as JSON."""
    folder = tmp_path_factory.mktemp("report")
    files = ("--html", folder / "report.html", "--json", folder / "report.json")
    done = command("evaluate", root / "data/comments.csv", "--articles", root / "data/articles.csv", *files)
    assert done.returncode == 0, done.stderr
    return (folder / "report.html").read_text(encoding="utf-8"), json.loads((folder / "report.json").read_text())


def reported(cli: Command, folder: Path, *arguments: object) -> tuple[str, list[dict[str, Any]]]:
    """Evaluate, and give the page and the figures."""
    done = cli("evaluate", *arguments, "--html", folder / "report.html", "--json", folder / "report.json")
    assert done.returncode == 0, done.stderr
    return (folder / "report.html").read_text(encoding="utf-8"), json.loads((folder / "report.json").read_text())[
        "figures"
    ]


def scored(scores: Sequence[float], target: Sequence[bool], texts: Sequence[str] | None = None) -> Scored:
    comments = [Comment(text) for text in texts or map(str, range(len(scores)))]
    return Scored("insult", "made", np.array(scores), np.array(target), comments, range(1, len(scores) + 1))


def shown(share: float | None) -> str:
    return "–" if share is None else f"{share:.1%}"


# --- page and JSON


def test_the_summary_shows_the_figures_of_the_json(written: tuple[str, dict[str, Any]]) -> None:
    html, document = written
    _, *rows = parsed(html).tables[0]
    assert [label for [label] in rows[::2]] == [found["label"] for found in document["figures"]] == list(LABELS)
    for row, found in zip(rows[1::2], document["figures"], strict=True):
        [flag] = [row for row in found["thresholds"] if "flag" in row["steps"]]
        assert row == [
            found["corpus"],
            f"{found['roc_auc']:.3f}{found['roc_auc_low']:.3f} to {found['roc_auc_high']:.3f}",
            "",
            f"{found['average_precision']:.3f}",
            shown(flag["precision"]),
            shown(found["flag_recall"]),
            f"{found['expected_calibration_error']:.3f}",
            str(found["comments"]),
            shown(found["positive_share"]),
        ]


def test_the_threshold_tables_show_the_rows_of_the_json(written: tuple[str, dict[str, Any]]) -> None:
    html, document = written
    _, *tables = parsed(html).tables
    assert len(tables) == len(LABELS)
    for (_, *rows), found in zip(tables, document["figures"], strict=True):
        assert rows == [
            [
                f"{row['threshold']:.3f}",
                ", ".join(row["steps"]),
                *(shown(row[name]) for name in ("flagged_share", "precision", "recall", "false_alarm_share")),
            ]
            for row in found["thresholds"]
        ]


def test_the_curves_of_the_page_are_those_of_the_json(written: tuple[str, dict[str, Any]]) -> None:
    html, document = written
    drawn = [attributes["d"] for tag, attributes in parsed(html).elements if attributes.get("class") == "curve"]
    curves = [found[name] for found in document["figures"] for name in ("roc", "precision_recall")]
    assert drawn == ["M" + "L".join(f"{x:g} {y:g}" for x, y in curve) for curve in curves]
    assert max(map(len, curves)) <= CURVE_POINTS


def test_every_worst_error_of_the_json_is_on_the_page(written: tuple[str, dict[str, Any]]) -> None:
    html, document = written
    text = parsed(html).text
    for found in document["figures"]:
        for example in found["false_positives"] + found["false_negatives"]:
            assert visible(example["text"]) in text
            assert f"score {example['score']:.3f}, row {example['row']}" in text


def test_every_plot_says_what_it_shows_to_those_who_do_not_see_it(written: tuple[str, dict[str, Any]]) -> None:
    html, document = written
    plots = [attributes for tag, attributes in parsed(html).elements if attributes.get("role") == "img"]
    assert len(plots) == 4 * len(document["figures"])
    first = document["figures"][0]
    assert [plot["aria-label"] for plot in plots[:3]] == [
        f"ROC curve: area {first['roc_auc']:.3f}",
        f"Precision and recall: average precision {first['average_precision']:.3f}",
        f"Reliability: expected calibration error {first['expected_calibration_error']:.3f}",
    ]


def test_every_link_leads_to_a_place_on_the_page(written: tuple[str, dict[str, Any]]) -> None:
    elements = parsed(written[0]).elements
    places = {f"#{attributes['id']}" for _, attributes in elements if "id" in attributes}
    assert {attributes["href"] for _, attributes in elements if "href" in attributes} == places
    assert len(places) == len(LABELS)


# --- harmless


def test_the_page_loads_nothing(written: tuple[str, dict[str, Any]]) -> None:
    page = parsed(written[0])
    attributes = [(name, value or "") for _, attributes in page.elements for name, value in attributes.items()]
    assert page.tags <= HARMLESS
    assert not {name for name, _ in attributes} & {"src", "srcset", "xlink:href", "background"}
    assert not [value for _, value in [*attributes, ("style", page.style)] if re.search(r"//|url\(|@import", value)]
    assert {value for name, value in attributes if name == "href" and not value.startswith("#")} == set()
    assert ("content", "default-src 'none'; style-src 'unsafe-inline'") in attributes


INVISIBLE = {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"}
HOSTILE = (
    "<script>alert(1)</script> thank you all",
    '"><img src="https://example.org/x.png" onerror="alert(1)"> thank you all',
    "</p></li></ol></style><!-- {{ 7 * 7 }} {% raw %} &lt;b&gt; thank you all",
    "thank \u202eyou\u2066 all \u200bfor\ufeff this\u2028day\U000e0041",
    "thank you \x1b[31mall\x07 \x85 \x00",
    "thank you \ud800 all",
)


def test_hostile_texts_are_text(cli: Command, tmp_path: Path) -> None:
    rows = [{"text": text, "article_title": text, "parent_text": text, "insult": 1} for text in HOSTILE]
    rows += [{"text": f"You clueless idiot. {text}", "insult": 0} for text in HOSTILE]
    file = tmp_path / "<b onclick=x>\u202e&.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")

    html, [found] = reported(cli, tmp_path, file)

    page = parsed(html)
    assert page.tags <= HARMLESS
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]
    assert len(found["false_negatives"]) + len(found["false_positives"]) > len(HOSTILE)
    for example in found["false_negatives"]:
        for text in (example["text"], example["article"], example["parent"]):
            assert page.text.count(str(visible(text))) >= 3
    assert "thank ⟨U+202E⟩you⟨U+2066⟩ all ⟨U+200B⟩for⟨U+FEFF⟩ this⟨U+2028⟩day⟨U+E0041⟩" in page.text
    assert "<b onclick=x>⟨U+202E⟩&" in page.text
    assert not INVISIBLE & set(map(unicodedata.category, html.replace("\n", "")))


@given(st.text())
def test_only_what_is_invisible_is_named(text: str) -> None:
    out = str(visible(text))
    assert not INVISIBLE & set(map(unicodedata.category, out))
    printable = "".join(character for character in text if unicodedata.category(character) not in INVISIBLE)
    assert visible(printable) == printable
    assert (out == text) == (printable == text)


# --- what lies behind the figures

LEVELS = np.linspace(0.05, 0.95, 10)


def at_levels(shares: Sequence[float]) -> Scored:
    """A hundred comments at each of ten scores, of which so many in a hundred have the label."""
    target = [number < round(100 * share) for share in shares for number in range(100)]
    return scored(np.repeat(LEVELS, 100).tolist(), target)


def test_scores_that_come_true_have_no_calibration_error() -> None:
    found = details(at_levels(LEVELS.tolist()), None)
    assert found.expected_calibration_error == pytest.approx(0, abs=1e-12)
    assert [bin.comments for bin in found.reliability] == [100] * 10
    for bin, level in zip(found.reliability, LEVELS, strict=True):
        assert bin.score == pytest.approx(level)
        assert bin.share == pytest.approx(level)
        assert bin.share_low < level < bin.share_high


@pytest.mark.parametrize(
    ("shares", "error"), [(1 - LEVELS, 0.5), (np.full(10, 0.5), 0.25), (np.minimum(LEVELS + 0.05, 1), 0.05)]
)
def test_calibration_error_is_the_mean_distance_of_score_and_share(shares: Sequence[float], error: float) -> None:
    assert details(at_levels(shares), None).expected_calibration_error == pytest.approx(error)


def test_calibration_error_weighs_comments_not_bins() -> None:
    found = details(scored([0.25] * 90 + [0.95] * 10, [False] * 90 + [True] * 10), None)
    assert found.expected_calibration_error == pytest.approx(0.9 * 0.25 + 0.1 * 0.05)


def test_a_thinned_curve_keeps_its_ends_and_its_area() -> None:
    generator = np.random.default_rng(0)
    target = generator.random(20_000) < 0.1
    many = scored(np.clip(generator.normal(0.3 + 0.2 * target, 0.15), 0, 1).tolist(), target.tolist())

    found, measurement = details(many, None), measure(many, None)

    assert CURVE_POINTS / 2 < len(found.roc) <= CURVE_POINTS
    assert CURVE_POINTS / 2 < len(found.precision_recall) <= CURVE_POINTS
    assert (found.roc[0], found.roc[-1]) == ((0, 0), (1, 1))
    assert auc(*zip(*found.roc, strict=True)) == pytest.approx(measurement.roc_auc, abs=1e-3)
    assert (found.precision_recall[0][0], found.precision_recall[-1]) == (1, (0, 1))
    assert auc(*zip(*found.precision_recall, strict=True)) == pytest.approx(measurement.average_precision, abs=5e-3)


def test_the_histogram_counts_every_comment_once() -> None:
    found = details(scored([0, 0.04, 0.05, 0.5, 1], [False, True, False, True, True]), None)
    counts = {at: (bin.positives, bin.negatives) for at, bin in enumerate(found.histogram)}
    assert {at: both for at, both in counts.items() if any(both)} == {0: (1, 1), 1: (0, 1), 10: (1, 0), 19: (1, 0)}
    assert [bin.start for bin in found.histogram] == pytest.approx([at / 20 for at in range(20)])


def test_threshold_rows_count_what_lies_at_or_above_them() -> None:
    limits = Thresholds(flag=0.6, review=0.6, reject=0.97)
    four = scored([0.1, 0.6, 0.8, 0.9], [False, True, False, True])

    rows = {row.threshold: row for row in details(four, limits).thresholds}

    assert list(rows) == sorted({*THRESHOLDS, 0.6, 0.97})
    assert rows[0.6].steps == ("flag", "review")
    assert (rows[0.6].flagged_share, rows[0.6].false_alarm_share) == (0.75, 0.5)
    assert (rows[0.6].precision, rows[0.6].recall) == (pytest.approx(2 / 3), 1)
    assert rows[0.6].precision == pytest.approx(measure(four, limits).flag_precision)
    assert (rows[0.97].steps, rows[0.97].precision, rows[0.97].recall) == (("reject",), None, 0)
    assert rows[0.7].steps == ()


def test_worst_errors_are_those_farthest_from_the_truth_and_no_others() -> None:
    scores = np.linspace(0.01, 0.99, 50)
    found = details(scored(scores.tolist(), [at % 2 == 0 for at in range(50)]), Thresholds(flag=0.5))
    assert [example.row for example in found.false_positives] == list(range(50, 30, -2))
    assert [example.row for example in found.false_negatives] == list(range(1, 21, 2))
    assert len(found.false_positives) == len(found.false_negatives) == WORST
    assert found.false_positives[0].score == pytest.approx(0.99)


def test_what_is_right_is_no_error() -> None:
    found = details(scored([0.2, 0.8], [False, True]), Thresholds(flag=0.5))
    assert (found.false_positives, found.false_negatives) == ((), ())


def test_a_label_without_thresholds_is_never_flagged() -> None:
    found = details(scored([0.9, 0.99, 0.8], [False, True, True]), None)
    assert found.false_positives == ()
    assert [example.row for example in found.false_negatives] == [3, 2]
    assert {row.steps for row in found.thresholds} == {()}


def test_long_texts_are_cut_and_say_so() -> None:
    texts = ["x" * LONGEST_TEXT, "y" * (LONGEST_TEXT + 1)]
    found = details(scored([0.9, 0.1], [False, True], texts), Thresholds(flag=0.5))
    assert found.false_positives[0].text == texts[0]
    assert found.false_negatives[0].text == "y" * LONGEST_TEXT + "…"


# --- other inputs


def test_a_map_of_two_corpora_groups_them_by_label(cli: Command, root: Path, tmp_path: Path) -> None:
    html, figures = reported(cli, tmp_path, root / "docs/evaluation.example.toml")
    places = [("insult", "sample"), ("off_topic", "sample"), ("off_topic", "sample_moved")]
    assert [(found["label"], found["corpus"]) for found in figures] == places
    reach, (_, *rows), *_ = parsed(html).tables
    assert [row[0] for row in reach[1:]] == [
        "insult on sample",
        "off_topic on sample_moved",
        "functional cases",
        "identity terms",
        "toxicity on the stream sample",
    ]
    assert [row[0] for row in rows] == ["insult", "sample", "off_topic", "sample", "sample_moved"]


def test_a_moved_comment_is_shown_under_the_article_it_was_moved_to(cli: Command, root: Path, tmp_path: Path) -> None:
    _, figures = reported(cli, tmp_path, root / "docs/evaluation.example.toml")
    with (root / "data/comments.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    with (root / "data/articles.csv").open(encoding="utf-8", newline="") as file:
        titles = {row["id"]: row["title"] for row in csv.DictReader(file)}
    [moved] = [found for found in figures if found["corpus"] == "sample_moved"]
    assert len(moved["false_negatives"]) == WORST
    for example in moved["false_negatives"]:
        home = rows[example["row"] - 1]
        assert home["text"].startswith(example["text"].removesuffix("…"))
        assert example["article"] in set(titles.values()) - {titles[home["article_id"]]}


def test_the_map_that_is_explained_is_the_one_in_the_example_file(root: Path) -> None:
    explained = (root / "docs/evaluation.md").read_text(encoding="utf-8")
    assert f"```toml\n{(root / 'docs/evaluation.example.toml').read_text(encoding='utf-8')}```" in explained


def test_one_comment_with_the_label_is_enough(cli: Command, tmp_path: Path) -> None:
    file = tmp_path / "few.csv"
    file.write_text("text,threat\n" + "Thank you.\nGood point.\n".replace("\n", ",0\n") + "I will find you,1\n")
    html, [found] = reported(cli, tmp_path, file)
    assert found["comments"] == 3
    assert found["positive_share"] == pytest.approx(1 / 3, abs=1e-4)
    assert "nan" not in parsed(html).text.lower().split()
    assert "1 measurement," in html


def test_a_report_that_cannot_be_written_is_one_line_and_no_work_is_done(
    cli: Command, root: Path, tmp_path: Path
) -> None:
    out = tmp_path / "nowhere" / "report.html"
    done = cli("evaluate", root / "data/comments.csv", "--html", out)
    [line] = done.stderr.decode().splitlines()
    assert (done.returncode, done.stdout) == (2, b"")
    assert line.startswith(f"moderation: {out}: ")


def test_a_report_is_there_whole_or_not_at_all(cli: Command, tmp_path: Path) -> None:
    file, out = tmp_path / "in.csv", tmp_path / "report.html"
    file.write_text("text,insult\na,0\nb,maybe\n")
    out.write_text("precious")
    assert cli("evaluate", file, "--html", out).returncode == 2
    assert out.read_text() == "precious"
    assert sorted(tmp_path.iterdir()) == [file, out]
