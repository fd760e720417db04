"""Reading and writing files: what holds for every format."""

from __future__ import annotations

import gzip
import pickle
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterable
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from moderation.errors import InputError, RowError
from moderation.files import ABSENT, Batch, Format, open_reader, open_writer

MEGABYTE = 1_000_000


def rows_of(path: Path, **options: Any) -> list[dict[str, Any]]:
    """All rows of a file, as dicts without the absent values."""
    with open_reader(path, **options) as reader:
        return [
            {name: values[index] for name, values in batch.columns.items() if values[index] is not ABSENT}
            for batch in reader
            for index in range(len(batch))
        ]


def convert(source: Path, target: Path, added: dict[str, type] | None = None, value: Any = None) -> None:
    with open_reader(source) as reader, open_writer(target, None, reader.columns, like=reader, added=added) as writer:
        for batch in reader:
            writer.write(batch.with_columns({name: [value] * len(batch) for name in added or {}}))


def run_copy(stdin: bytes, format: str, *, code: str = "") -> subprocess.CompletedProcess[bytes]:
    """Copy standard input to standard output in another process."""
    script = f"""
import sys
from moderation.files import Format, open_reader, open_writer
with open_reader(None, Format({format!r})) as reader:
    with open_writer(None, Format({format!r}), reader.columns, like=reader) as writer:
        for batch in reader:
            writer.write(batch)
{code}
"""
    return subprocess.run([sys.executable, "-c", script], input=stdin, capture_output=True, check=False, timeout=60)


# --- batches


def test_a_batch_refuses_columns_of_unequal_length() -> None:
    with pytest.raises(ValueError, match="column 'b' has 1 values for 2 rows"):
        Batch({"a": [1, 2], "b": [1]}, [1, 2])


def test_more_columns_come_behind_those_that_were_read() -> None:
    batch = Batch({"text": ["a", "b"]}, [1, 2])

    more = batch.with_columns({"toxicity": [0.1, 0.2]})

    assert list(more.columns) == ["text", "toxicity"]
    assert more.rows == [1, 2]
    assert list(batch.columns) == ["text"]
    assert len(more) == 2


def test_a_batch_does_not_overwrite_a_column() -> None:
    with pytest.raises(InputError, match="has the column 'text' already"):
        Batch({"text": ["a"]}, [1]).with_columns({"text": ["b"]})


def test_strings_are_none_where_a_row_has_nothing() -> None:
    batch = Batch({"parent_text": ["a", "", None, ABSENT]}, [1, 2, 3, 4])

    assert batch.strings("parent_text") == ["a", None, None, None]
    assert batch.strings("article_title") == [None] * 4


def test_absent_stays_itself_in_another_process() -> None:
    assert pickle.loads(pickle.dumps(ABSENT)) is ABSENT


# --- formats


@pytest.mark.parametrize(
    ("name", "format"),
    [
        ("a.csv", Format.CSV),
        ("a.CSV", Format.CSV),
        ("a.jsonl", Format.JSONL),
        ("a.ndjson", Format.JSONL),
        ("a.csv.gz", Format.CSV),
        ("a.jsonl.gz", Format.JSONL),
        ("a.parquet", Format.PARQUET),
    ],
)
def test_the_suffix_tells_the_format(tmp_path: Path, name: str, format: Format) -> None:
    with open_writer(tmp_path / name, None, ["text"]) as writer:
        writer.write(Batch({"text": ["hello"]}, [1]))

    with open_reader(tmp_path / name) as reader:
        assert reader.format is format
        assert next(reader).columns == {"text": ["hello"]}


def test_a_format_asked_for_goes_before_the_suffix(tmp_path: Path) -> None:
    path = tmp_path / "comments.csv"
    path.write_text('{"text": "hello"}\n')

    assert rows_of(path, format=Format.JSONL) == [{"text": "hello"}]


def test_an_unknown_suffix_is_told_what_is_known(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a\.xlsx: unknown suffix '\.xlsx'; known are \.csv, .*\.parquet.*--format"):
        open_reader(tmp_path / "a.xlsx")


def test_standard_input_without_a_format_asks_for_one() -> None:
    with pytest.raises(InputError, match=r"--format csv\|jsonl\|parquet"):
        open_reader(None)


def test_parquet_inside_gzip_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"drop \.gz"):
        open_reader(tmp_path / "a.parquet.gz", Format.PARQUET)


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.parquet"])
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=rf"{name}: cannot be read: No such file") as caught:
        open_reader(tmp_path / name)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.parquet"])
def test_a_directory_is_no_file(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    with pytest.raises(InputError, match=rf"{name}: cannot be read: Is a directory"):
        open_reader(tmp_path / name)


def test_batch_size_must_be_positive(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        open_reader(tmp_path / "a.csv", batch_size=0)


# --- gzip


def test_gzip_is_read_and_written(tmp_path: Path) -> None:
    with gzip.open(tmp_path / "in.csv.gz", "wt", encoding="utf-8") as file:
        file.write("text\nhéllo\n")

    convert(tmp_path / "in.csv.gz", tmp_path / "out.jsonl.gz")

    with gzip.open(tmp_path / "out.jsonl.gz", "rt", encoding="utf-8") as file:
        assert file.read() == '{"text": "héllo"}\n'


def test_what_is_not_gzip_is_reported(tmp_path: Path) -> None:
    (tmp_path / "a.csv.gz").write_text("text\nhello\n")
    with pytest.raises(InputError, match=r"a\.csv\.gz: cannot be read on: Not a gzipped file"):
        open_reader(tmp_path / "a.csv.gz")


def test_a_truncated_gzip_file_is_reported(tmp_path: Path) -> None:
    whole = gzip.compress(b"text\n" + b"".join(b"comment %d\n" % number for number in range(10_000)))
    (tmp_path / "a.csv.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"a\.csv\.gz: cannot be read on: .*end"):
        rows_of(tmp_path / "a.csv.gz")


# --- progress


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.csv.gz", "a.jsonl.gz", "a.parquet"])
def test_progress_rises_to_the_size_of_the_file(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    random = Random(1)
    with open_writer(path, None, ["text"]) as writer:
        for first in range(0, 20_000, 1000):
            rows = list(range(first, first + 1000))
            writer.write(Batch({"text": [random.randbytes(10).hex() for _ in rows]}, rows))

    with open_reader(path) as reader:
        steps = [reader.bytes_read for _ in reader]

        assert reader.bytes_total == path.stat().st_size
        assert steps == sorted(steps)
        assert steps[0] < steps[-1] == reader.bytes_total


# --- standard input and output


def test_standard_input_goes_to_standard_output_and_both_stay_open() -> None:
    content = "text,n\nhé,1\n".encode()

    done = run_copy(content, "csv", code="sys.stdin.read(); print('still open')")

    assert (done.stdout, done.stderr) == (content + b"still open\n", b"")


def test_parquet_goes_through_pipes() -> None:
    table = pa.table({"text": ["a", "b"], "n": [1, 2]})
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)

    done = run_copy(sink.getvalue().to_pybytes(), "parquet")

    assert done.stderr == b""
    assert pq.read_table(pa.BufferReader(done.stdout)).equals(table)


def test_errors_in_standard_input_name_it() -> None:
    done = run_copy(b"text\n\xff\n", "csv")

    assert b"<stdin>, row 1: is not UTF-8" in done.stderr


def test_standard_input_has_no_size_but_is_counted() -> None:
    code = "print(reader.bytes_total, reader.bytes_read)"

    assert run_copy(b"text\nhello\n", "csv", code=code).stdout.endswith(b"None 11\n")


# --- round trips


NASTY = [
    "plain",
    "",
    "quotes \"doubled\" and 'single'",
    "comma, semicolon; tab\t",
    "line\nfeed",
    "carriage\rreturn",
    "both\r\nends\r\n",
    "nul \0 byte",
    " blanks around ",
    "üñí 漢字 🤬 \u2028 \u0085",
    "=1+1",
    "null",
    '"',
    "\ufeffmark",
]


@pytest.mark.parametrize("through", ["b.csv", "b.jsonl", "b.parquet", "b.csv.gz", "b.jsonl.gz"])
@pytest.mark.parametrize("start", ["a.csv", "a.jsonl", "a.parquet"])
def test_texts_survive_every_way(tmp_path: Path, start: str, through: str) -> None:
    with open_writer(tmp_path / start, None, ["id", "text"]) as writer:
        ids = [f"{number:03}" for number in range(len(NASTY))]
        writer.write(Batch({"id": ids, "text": NASTY}, list(range(1, len(NASTY) + 1))))

    convert(tmp_path / start, tmp_path / through)
    convert(tmp_path / through, tmp_path / "end.csv")

    assert rows_of(tmp_path / "end.csv") == [{"id": id, "text": text} for id, text in zip(ids, NASTY, strict=True)]


def test_a_lone_nasty_column_survives_csv(tmp_path: Path) -> None:
    with open_writer(tmp_path / "a.csv", None, ["text"]) as writer:
        writer.write(Batch({"text": NASTY}, list(range(1, len(NASTY) + 1))))

    assert [row["text"] for row in rows_of(tmp_path / "a.csv")] == NASTY


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.parquet"])
def test_a_comment_of_a_megabyte_is_read(tmp_path: Path, name: str) -> None:
    comment = 'word, "quote"\n' * (MEGABYTE // 14) + "é" * 10
    with open_writer(tmp_path / name, None, ["text"]) as writer:
        writer.write(Batch({"text": [comment, "next"]}, [1, 2]))

    assert rows_of(tmp_path / name) == [{"text": comment}, {"text": "next"}]


# --- memory


def csv_lines(count: int) -> Iterable[bytes]:
    yield b"id,text\n"
    for number in range(count):
        yield b'%d,"comment %d, a longer one%s"\n' % (number, number, b"!" * 100)


def jsonl_lines(count: int) -> Iterable[bytes]:
    for number in range(count):
        yield b'{"id": %d, "text": "comment %d, a longer one%s"}\n' % (number, number, b"!" * 100)


@pytest.mark.parametrize(
    ("source", "lines", "target"),
    [
        ("a.csv", csv_lines, "b.csv"),
        ("a.csv", csv_lines, "b.jsonl.gz"),
        ("a.jsonl", jsonl_lines, "b.jsonl"),
        ("a.jsonl", jsonl_lines, "b.csv"),
    ],
)
def test_memory_does_not_grow_with_the_file(
    tmp_path: Path, source: str, lines: Callable[[int], Iterable[bytes]], target: str
) -> None:
    rows = 200_000 if (source, target) == ("a.csv", "b.csv") else 40_000
    with (tmp_path / source).open("wb") as file:
        file.writelines(lines(rows))

    tracemalloc.start()
    try:
        convert(tmp_path / source, tmp_path / target, added={"toxicity": float}, value=0.5)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 4 * MEGABYTE < (tmp_path / source).stat().st_size
    with open_reader(tmp_path / target) as reader:
        assert sum(map(len, reader)) == rows


def test_memory_does_not_grow_with_a_parquet_file(tmp_path: Path) -> None:
    texts = [f"comment number {number}, {number * 7919 % 200_003} " * 4 for number in range(200_000)]
    pq.write_table(pa.table({"text": texts}), tmp_path / "a.parquet", compression="none", use_dictionary=False)
    held = pa.total_allocated_bytes()

    tracemalloc.start()
    try:
        with open_reader(tmp_path / "a.parquet") as reader:
            peak_of_arrow = max(pa.total_allocated_bytes() - held for _ in reader)
        _, peak_of_python = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak_of_arrow + peak_of_python < 8 * MEGABYTE < (tmp_path / "a.parquet").stat().st_size


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.parquet"])
def test_batches_of_large_rows_are_small(tmp_path: Path, name: str) -> None:
    texts = [f"{number}" + "x" * MEGABYTE for number in range(50)]
    with open_writer(tmp_path / name, None, ["text"]) as writer:
        writer.write(Batch({"text": texts}, list(range(1, 51))))

    with open_reader(tmp_path / name) as reader:
        sizes = [len(batch) for batch in reader]

    assert sum(sizes) == 50
    assert max(sizes) <= 16


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.parquet"])
def test_batches_hold_as_many_rows_as_asked_for_and_number_them(tmp_path: Path, name: str) -> None:
    with open_writer(tmp_path / name, None, ["text"]) as writer:
        writer.write(Batch({"text": list("abcde")}, [1, 2, 3, 4, 5]))

    with open_reader(tmp_path / name, batch_size=2) as reader:
        assert [batch.rows for batch in reader] == [[1, 2], [3, 4], [5]]


# --- errors of rows


def test_the_callback_may_stop_the_reading(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "a"}\n1\n2\n{"text": "b"}\n')
    seen: list[RowError] = []

    def stop_at_the_second(error: RowError) -> None:
        seen.append(error)
        if len(seen) == 2:
            raise error

    with pytest.raises(RowError, match="row 3"):
        rows_of(tmp_path / "a.jsonl", on_row_error=stop_at_the_second)


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.parquet"])
def test_a_file_of_bad_rows_only_gives_no_batch(tmp_path: Path, name: str) -> None:
    (tmp_path / "a.csv").write_text("text\na,b\nc,d\n")
    (tmp_path / "a.jsonl").write_text("1\n2\n")
    pq.write_table(pa.table({"text": pa.nulls(2)}), tmp_path / "a.parquet")
    errors: list[RowError] = []

    with open_reader(tmp_path / name, on_row_error=errors.append) as reader:
        assert list(reader) == []
    assert [error.row for error in errors] == [1, 2]
