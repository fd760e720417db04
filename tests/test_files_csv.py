"""Reading and writing CSV."""

from __future__ import annotations

import csv
import io
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.errors import InputError, RowError
from moderation.files import ABSENT, Batch, Format, csv_file, open_reader, open_writer

Rows = list[list[str]]


def read(tmp_path: Path, content: bytes) -> tuple[Rows, list[str]]:
    """The rows of a CSV file of that content, and the messages about its bad rows."""
    path = tmp_path / "comments.csv"
    path.write_bytes(content)
    errors: list[RowError] = []
    with open_reader(path, on_row_error=errors.append) as reader:
        rows = [list(row) for batch in reader for row in zip(*batch.columns.values(), strict=True)]
    return rows, [str(error).removeprefix(f"{path}, ") for error in errors]


def written(tmp_path: Path, batch: Batch) -> bytes:
    path = tmp_path / "out.csv"
    with open_writer(path, None, list(batch.columns)) as writer:
        writer.write(batch)
    return path.read_bytes()


# --- reading


def test_rows_are_strings_in_the_order_of_the_header(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('id,text,score\n007,"a, b",1.50\n')

    with open_reader(tmp_path / "a.csv") as reader:
        assert reader.columns == ("id", "text", "score")
        assert next(reader) == Batch({"id": ["007"], "text": ["a, b"], "score": ["1.50"]}, [1])


@pytest.mark.parametrize("ending", [b"\n", b"\r\n"])
def test_lines_may_end_either_way_and_the_last_need_not_end(tmp_path: Path, ending: bytes) -> None:
    assert read(tmp_path, ending.join([b"text,n", b"a,1", b"b,2"])) == ([["a", "1"], ["b", "2"]], [])


def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path: Path) -> None:
    assert read(tmp_path, b"\xef\xbb\xbftext\nhello\n") == ([["hello"]], [])


def test_blank_lines_are_no_rows(tmp_path: Path) -> None:
    rows, errors = read(tmp_path, b"\n\ntext,n\n\na,1\n\nb\n\n")

    assert rows == [["a", "1"]]
    assert errors == ["row 2: too few fields: 1 where the header has 2 (line 7)"]


def test_nul_characters_are_text(tmp_path: Path) -> None:
    assert read(tmp_path, b"text\na\0b\n") == ([["a\0b"]], [])


def test_a_quote_within_an_unquoted_field_stands_for_itself(tmp_path: Path) -> None:
    assert read(tmp_path, b'text,n\na 5" pipe,1\n') == ([['a 5" pipe', "1"]], [])


# --- files that cannot be read


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty; its first line must name the columns"),
        (b"\xef\xbb\xbf", "is empty; its first line must name the columns"),
        (b"\n\r\n", "is empty; its first line must name the columns"),
        (b"id,comment\n1,a\n", "has no column 'text'; its columns are 'id', 'comment'"),
        (b"text,id,text\na,1,b\n", "has more than one column 'text'; rename all but one"),
        (b'"text,id\na,1\n', "the header cannot be read: a quoted field is never closed"),
        (b"text,\xff\na,1\n", "the header cannot be read: is not UTF-8; save the file as UTF-8"),
        ("text,id\na,1\n".encode("utf-16"), "the header cannot be read: is not UTF-8; save the file as UTF-8"),
        ("text,id\na,1\n".encode("utf-16-le"), "the header holds NUL bytes; save the file as UTF-8"),
        (b"text,id\ra,1\r", "the header cannot be read: a carriage return outside quotes; lines end in LF or CR LF"),
    ],
)
def test_a_file_without_a_usable_header_says_why(tmp_path: Path, content: bytes, reason: str) -> None:
    with pytest.raises(InputError) as caught:
        read(tmp_path, content)

    assert str(caught.value) == f"{tmp_path / 'comments.csv'}: {reason}"
    assert not isinstance(caught.value, RowError)


def test_a_header_alone_is_a_file_of_no_rows(tmp_path: Path) -> None:
    assert read(tmp_path, b"text,id\n") == ([], [])


def test_the_required_columns_are_the_callers_choice(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text\nhello\n")

    with pytest.raises(InputError, match="has no column 'label'"):
        open_reader(tmp_path / "a.csv", required=("text", "label"))
    with open_reader(tmp_path / "a.csv", required=()) as reader:
        assert len(next(reader)) == 1


# --- rows that cannot be read


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"only one", "too few fields: 1 where the header has 2 (line 3)"),
        (b"a,b,c", "too many fields: 3 where the header has 2 (line 3)"),
        (b'"a"b,c', "a quote inside a quoted field; write it twice (line 3)"),
        (b'"a,c', "a quoted field is never closed (line 3)"),
        (b"caf\xe9,c", "is not UTF-8; save the file as UTF-8 (line 3)"),
        (b"a\rb,c", "a carriage return outside quotes; lines end in LF or CR LF (line 3)"),
        (
            b"x" * 2_000_001 + b",c",
            "a field of more than 2000000 characters; perhaps a quoted field is never closed (line 3)",
        ),
        (b"x" * 9_000_000 + b",c", "a row of more than 8000000 bytes; perhaps a quoted field is never closed (line 3)"),
    ],
)
def test_a_bad_row_names_row_line_and_reason_and_costs_no_other(tmp_path: Path, line: bytes, reason: str) -> None:
    rows, errors = read(tmp_path, b"text,id\ngood,1\n" + line + b"\nalso good,3\nlast,4\n")

    assert rows == [["good", "1"], ["also good", "3"], ["last", "4"]]
    assert errors == [f"row 2: {reason}"]


def test_without_a_callback_the_first_bad_row_is_raised(tmp_path: Path) -> None:
    path = tmp_path / "comments.csv"
    path.write_bytes(b'text\nfine\n"bro"ken\n')

    with open_reader(path) as reader, pytest.raises(RowError) as caught:
        list(reader)

    assert (caught.value.source, caught.value.row) == (str(path), 2)
    assert str(caught.value) == f"{path}, row 2: a quote inside a quoted field; write it twice (line 3)"


def test_lines_are_counted_within_quoted_fields_too(tmp_path: Path) -> None:
    rows, errors = read(tmp_path, b'text,id\n"a\nb\n\nc",1\nbad\n"d\n",2\nbad\n')

    assert rows == [["a\nb\n\nc", "1"], ["d\n", "2"]]
    assert [error[-9:] for error in errors] == [" (line 6)", " (line 9)"]


def test_bytes_that_are_not_utf8_spoil_their_own_row_only(tmp_path: Path) -> None:
    rows, errors = read(tmp_path, b'text,id\n"a\n\xff\nb",1\nnext,2\n')

    assert rows == [["next", "2"]]
    assert errors == ["row 1: is not UTF-8; save the file as UTF-8 (line 2)"]


def test_a_quote_that_is_closed_by_a_later_row_costs_no_row_between(tmp_path: Path) -> None:
    rows, errors = read(tmp_path, b'text,id\n"open,1\nb,2\n"c",3\nd,4\n')

    assert rows == [["b", "2"], ["c", "3"], ["d", "4"]]
    assert errors == ["row 1: a quote inside a quoted field; write it twice (line 2)"]


SCRAPS = (
    "a",
    "b c",
    ",",
    '"',
    '""',
    "\n",
    "\r\n",
    "\r",
    '"x, y"',
    '"two\nlines"',
    "é",
    "\0",
    "a,b\n",
    "1,2\n",
    "\udcff",
)


@given(st.lists(st.sampled_from(SCRAPS), max_size=40).map("".join), st.integers(1, 5))
def test_whole_blocks_are_read_as_row_by_row(scraps: str, batch_size: int) -> None:
    content = b"text,id\n" + scraps.encode(errors="surrogateescape")

    assert read_from_memory(content, batch_size) == read_from_memory(content, batch_size, row_by_row=True)


def read_from_memory(content: bytes, batch_size: int, *, row_by_row: bool = False) -> tuple[list[Any], list[str]]:
    """Numbers and rows of a file, and what is said about the bad ones."""
    errors: list[RowError] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
        if row_by_row:
            patch.setattr(csv_file._Records, "parsed", lambda *_: None)
        with open_reader(None, Format.CSV, batch_size=batch_size, on_row_error=errors.append) as reader:
            rows = [row for batch in reader for row in zip(batch.rows, *batch.columns.values(), strict=True)]
    return rows, list(map(str, errors))


def test_a_row_is_limited_as_its_fields_are(tmp_path: Path) -> None:
    rows, errors = read(tmp_path, b"text,a,b,c,d\n" + b",".join([b"x" * 1_900_000] * 5) + b"\nnext,1,2,3,4\n")

    assert rows == [["next", "1", "2", "3", "4"]]
    assert errors == ["row 1: a row of more than 8000000 bytes; perhaps a quoted field is never closed (line 2)"]


def test_fields_are_limited_even_where_the_csv_module_was_told_otherwise(tmp_path: Path) -> None:
    before = csv.field_size_limit(100_000_000)
    try:
        rows, errors = read(tmp_path, b"text\n" + b"x" * 3_000_000 + b"\nnext\n")
        assert csv.field_size_limit() == 100_000_000
    finally:
        csv.field_size_limit(before)

    assert rows == [["next"]]
    assert errors[0].startswith("row 1: a field of more than 2000000 characters")


def test_a_quote_never_closed_does_not_swallow_a_large_file(tmp_path: Path) -> None:
    count = 50_000
    tail = b"".join(b"comment number %d of many%s\n" % (number, b" " * 500) for number in range(count))
    path = tmp_path / "comments.csv"
    path.write_bytes(b'text\n"never closed\n' + tail)
    errors: list[RowError] = []

    tracemalloc.start()
    try:
        with open_reader(path, on_row_error=errors.append) as reader:
            rows = sum(map(len, reader))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert rows == count
    assert [error.row for error in errors] == [1]
    assert "perhaps a quoted field is never closed" in errors[0].reason
    assert peak < 20_000_000 < len(tail)


def test_every_row_that_opens_a_quote_is_reported_by_itself(tmp_path: Path) -> None:
    rows, errors = read(tmp_path, b"text\n" + b'"open\n' * 50_001)

    assert rows == []
    assert len(errors) == 50_001


def test_a_file_of_one_endless_line_is_not_read_into_memory(tmp_path: Path) -> None:
    path = tmp_path / "comments.csv"
    with path.open("wb") as file:
        file.write(b"text\n")
        file.truncate(200_000_000)
        file.seek(0, 2)
        file.write(b"\nnext\n")
    errors: list[RowError] = []

    tracemalloc.start()
    try:
        with open_reader(path, on_row_error=errors.append) as reader:
            texts = [text for batch in reader for text in batch.columns["text"]]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert texts == ["next"]
    assert [error.row for error in errors] == [1]
    assert peak < 45_000_000


# --- writing


def test_read_columns_come_first_then_added_ones(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,text\n007,hello\n")
    added = {"toxicity": float, "flags": str}

    with (
        open_reader(tmp_path / "a.csv") as reader,
        open_writer(tmp_path / "b.csv", None, reader.columns, like=reader, added=added) as writer,
    ):
        for batch in reader:
            writer.write(batch.with_columns({"flags": ["insult spam"], "toxicity": [0.25]}))

    assert (tmp_path / "b.csv").read_text() == "id,text,toxicity,flags\n007,hello,0.25,insult spam\n"


def test_what_is_no_string_is_written_as_text(tmp_path: Path) -> None:
    values = [None, ABSENT, True, 3, 0.1, float("nan"), {"ä": [1, None]}, "x"]
    batch = Batch({"text": ["a"] * len(values), "value": values}, list(range(1, len(values) + 1)))

    lines = written(tmp_path, batch).decode().splitlines()

    assert lines == ["text,value", "a,", "a,", "a,true", "a,3", "a,0.1", "a,nan", 'a,"{""ä"": [1, null]}"', "a,x"]


def test_lone_surrogates_become_replacement_characters(tmp_path: Path) -> None:
    assert written(tmp_path, Batch({"text": ["a\ud83db"]}, [1])) == "text\na\ufffdb\n".encode()


def test_columns_that_were_not_named_are_left_out(tmp_path: Path) -> None:
    with open_writer(tmp_path / "a.csv", None, ["text"]) as writer:
        writer.write(Batch({"id": ["1"], "text": ["a"]}, [1]))

    assert (tmp_path / "a.csv").read_text() == "text\na\n"


def test_no_rows_still_give_a_header(tmp_path: Path) -> None:
    with open_writer(tmp_path / "a.csv", None, ["text"], added={"toxicity": float}):
        pass

    assert (tmp_path / "a.csv").read_text() == "text,toxicity\n"
