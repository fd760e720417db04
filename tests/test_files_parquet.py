"""Reading and writing Parquet."""

from __future__ import annotations

import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from moderation.errors import InputError, RowError
from moderation.files import ABSENT, Batch, open_reader, open_writer


def copy(source: Path, target: Path, added: dict[str, list[Any]] | None = None, **types: type) -> None:
    with open_reader(source) as reader, open_writer(target, None, reader.columns, like=reader, added=types) as writer:
        for batch in reader:
            writer.write(batch.with_columns(added or {}))


def saved(tmp_path: Path, columns: dict[str, Any]) -> Path:
    path = tmp_path / "comments.parquet"
    pq.write_table(pa.table(columns), path)
    return path


EVERY_TYPE = {
    "text": pa.array(["a", "b", "é"]),
    "large": pa.array(["x", None, ""], pa.large_string()),
    "category": pa.array(["x", None, "x"]).dictionary_encode(),
    "tiny": pa.array([1, None, -128], pa.int8()),
    "huge": pa.array([2**64 - 1, None, 0], pa.uint64()),
    "half": pa.array([0.1, None, -0.0], pa.float32()),
    "yes": pa.array([True, None, False]),
    "money": pa.array([Decimal("1.20"), None, Decimal("-3.00")], pa.decimal128(10, 2)),
    "day": pa.array([1, None, 20_000], pa.date32()),
    "moment": pa.array([1_700_000_000_123_456_789, None, 0], pa.timestamp("ns", "Europe/Berlin")),
    "year 17036": pa.array([2**62 // 10, None, 2**62 // 5], pa.timestamp("us")),
    "clock": pa.array([123_456_789, None, 1], pa.time64("ns")),
    "span": pa.array([123_456_789, None, 1], pa.duration("ns")),
    "raw": pa.array([b"\xff\x00", None, b""]),
    "list": pa.array([[1, None], None, []], pa.list_(pa.int16())),
    "object": pa.array([{"a": 1, "b": "x"}, None, {"a": None, "b": None}]),
    "map": pa.array([[("k", 1)], None, []], pa.map_(pa.string(), pa.int32())),
    "nothing": pa.nulls(3),
}


# --- reading


def test_values_are_those_of_python(tmp_path: Path) -> None:
    path = saved(tmp_path, {"text": ["a", "b"], "n": [1, None], "tags": [["x"], []]})

    with open_reader(path) as reader:
        assert reader.columns == ("text", "n", "tags")
        assert list(reader) == [Batch({"text": ["a", "b"], "n": [1, None], "tags": [["x"], []]}, [1, 2])]


def test_rows_are_numbered_across_row_groups(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"text": list("abcdefg")}), path, row_group_size=3)

    with open_reader(path, batch_size=2) as reader:
        batches = list(reader)

    assert [number for batch in batches for number in batch.rows] == [1, 2, 3, 4, 5, 6, 7]
    assert "".join(text for batch in batches for text in batch.columns["text"]) == "abcdefg"
    assert max(map(len, batches)) == 2


def test_a_null_text_is_a_bad_row_and_costs_no_other(tmp_path: Path) -> None:
    path = saved(tmp_path, {"text": ["a", None, "c", None], "n": [1, 2, 3, 4]})
    errors: list[RowError] = []

    with open_reader(path, on_row_error=errors.append) as reader:
        assert list(reader) == [Batch({"text": ["a", "c"], "n": [1, 3]}, [1, 3])]
    assert [str(error) for error in errors] == [f"{path}, row 2: 'text' is null", f"{path}, row 4: 'text' is null"]

    with open_reader(path) as reader, pytest.raises(RowError, match="row 2: 'text' is null"):
        list(reader)


def test_text_that_is_not_utf8_is_a_bad_row(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    offsets = pa.array(["aa", "b"]).buffers()[1]
    texts = pa.Array.from_buffers(pa.string(), 2, [None, offsets, pa.py_buffer(b"\xff\xffb")])
    pq.write_table(pa.table({"text": texts}), path)
    errors: list[RowError] = []

    with open_reader(path, on_row_error=errors.append) as reader:
        assert list(reader) == [Batch({"text": ["b"]}, [2])]
    assert [error.reason for error in errors] == ["'text' is not UTF-8"]


@pytest.mark.parametrize("kind", [pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.string())])
def test_text_may_be_of_any_string_type(tmp_path: Path, kind: pa.DataType) -> None:
    path = saved(tmp_path, {"text": pa.array(["a", "b"], kind)})

    with open_reader(path) as reader:
        assert next(reader).columns == {"text": ["a", "b"]}


@pytest.mark.parametrize("name", ["text", "article_title", "article_text", "parent_text"])
def test_a_text_column_of_another_type_is_refused(tmp_path: Path, name: str) -> None:
    path = saved(tmp_path, {"text": ["a"], name: [5]})

    with pytest.raises(InputError, match=rf"comments\.parquet: the column '{name}' is of type int64; it must hold str"):
        open_reader(path)


def test_context_may_be_null(tmp_path: Path) -> None:
    path = saved(tmp_path, {"text": ["a", "b"], "article_title": ["t", None], "parent_text": pa.nulls(2)})

    with open_reader(path) as reader:
        assert next(reader).strings("article_title") == ["t", None]


@pytest.mark.parametrize(
    "content", [b"", b"PAR1", b"text\nhello, this is a CSV file\n", b"PAR1 and then nothing of use"]
)
def test_what_is_not_parquet_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.parquet").write_bytes(content)

    with pytest.raises(InputError, match=r"a\.parquet: cannot be read as Parquet: ") as caught:
        open_reader(tmp_path / "a.parquet")
    assert "\n" not in str(caught.value)


def test_a_truncated_file_is_named(tmp_path: Path) -> None:
    path = saved(tmp_path, {"text": ["hello"] * 100})
    path.write_bytes(path.read_bytes()[:-20])

    with pytest.raises(InputError, match=r"comments\.parquet: cannot be read as Parquet"):
        open_reader(path)


def test_a_file_damaged_in_the_middle_is_named_when_reading_gets_there(tmp_path: Path) -> None:
    path = saved(tmp_path, {"text": [f"comment {number * 7919 % 10007}" for number in range(10_000)]})
    content = bytearray(path.read_bytes())
    content[4:20_000] = b"\xff" * 19_996
    path.write_bytes(content)

    with open_reader(path) as reader, pytest.raises(InputError, match=r"comments\.parquet: cannot be read as Parquet"):
        list(reader)


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"comments\.parquet: has no column 'text'; its columns are 'comment'"):
        open_reader(saved(tmp_path, {"comment": ["a"]}))


def test_a_column_that_occurs_twice_is_refused(tmp_path: Path) -> None:
    pq.write_table(pa.Table.from_arrays([pa.array(["a"])] * 2, names=["text", "text"]), tmp_path / "a.parquet")

    with pytest.raises(InputError, match="has more than one column 'text'"):
        open_reader(tmp_path / "a.parquet")


# --- writing


def test_every_type_passes_through(tmp_path: Path) -> None:
    source = saved(tmp_path, EVERY_TYPE)

    copy(source, tmp_path / "out.parquet")

    assert pq.read_table(tmp_path / "out.parquet").equals(pq.read_table(source))


def test_metadata_and_not_null_pass_through(tmp_path: Path) -> None:
    schema = pa.schema([pa.field("text", pa.string(), nullable=False)], metadata={"made by": "us"})
    pq.write_table(pa.table({"text": ["a"]}, schema=schema), tmp_path / "a.parquet")

    copy(tmp_path / "a.parquet", tmp_path / "b.parquet", {"toxicity": [None]}, toxicity=float)

    written = pq.read_schema(tmp_path / "b.parquet")
    assert written.metadata[b"made by"] == b"us"
    assert [field.nullable for field in written] == [False, True]


def test_added_columns_have_the_types_declared_whatever_the_first_batch_holds(tmp_path: Path) -> None:
    types = {"toxicity": float, "action": str, "count": int, "known": bool}
    empty = Batch({"text": ["a"], "toxicity": [None], "action": [ABSENT], "count": [None], "known": [None]}, [1])
    full = Batch({"text": ["b"], "toxicity": [1], "action": ["review"], "count": [2], "known": [True]}, [2])

    with open_writer(tmp_path / "a.parquet", None, ["text"], added=types) as writer:
        writer.write(empty)
        writer.write(full)

    table = pq.read_table(tmp_path / "a.parquet")
    assert [str(kind) for kind in table.schema.types] == ["string", "double", "string", "int64", "bool"]
    assert table.to_pylist() == [
        {"text": "a", "toxicity": None, "action": None, "count": None, "known": None},
        {"text": "b", "toxicity": 1.0, "action": "review", "count": 2, "known": True},
    ]


def test_from_csv_every_column_is_a_string(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,text,n\n007,a,\n")

    copy(tmp_path / "a.csv", tmp_path / "b.parquet")

    assert pq.read_table(tmp_path / "b.parquet").equals(pa.table({"id": ["007"], "text": ["a"], "n": [""]}))


def test_lone_surrogates_become_replacement_characters(tmp_path: Path) -> None:
    with open_writer(tmp_path / "a.parquet", None, ["text"]) as writer:
        writer.write(Batch({"text": ["a\ud83db", None]}, [1, 2]))

    assert pq.read_table(tmp_path / "a.parquet").to_pylist() == [{"text": "a\ufffdb"}, {"text": None}]


def test_no_rows_still_give_a_schema(tmp_path: Path) -> None:
    source = saved(tmp_path, {"text": pa.array([], pa.string()), "n": pa.array([], pa.int8())})

    copy(source, tmp_path / "out.parquet", toxicity=float)

    table = pq.read_table(tmp_path / "out.parquet")
    assert table.num_rows == 0
    assert [str(kind) for kind in table.schema.types] == ["string", "int8", "double"]


def test_small_batches_share_row_groups(tmp_path: Path) -> None:
    with open_writer(tmp_path / "a.parquet", None, ["text"]) as writer:
        for number in range(1000):
            writer.write(Batch({"text": ["a"] * 100}, list(range(number * 100, number * 100 + 100))))

    metadata = pq.read_metadata(tmp_path / "a.parquet")
    assert (metadata.num_rows, metadata.num_row_groups) == (100_000, 4)


def test_values_that_json_lacks_are_written_as_text(tmp_path: Path) -> None:
    source = saved(
        tmp_path,
        {
            "text": ["a"],
            "when": [datetime.datetime(2026, 1, 2, 3, 4, 5)],
            "money": [Decimal("1.20")],
            "raw": [b"\xff"],
            "clock": pa.array([123_456_789], pa.time64("ns")),
            "score": [float("nan")],
            "deep": [{"day": datetime.date(2026, 1, 2)}],
        },
    )

    copy(source, tmp_path / "out.jsonl")
    copy(source, tmp_path / "out.csv")

    assert (tmp_path / "out.jsonl").read_text() == (
        '{"text": "a", "when": "2026-01-02T03:04:05", "money": "1.20", "raw": "/w==", '
        '"clock": "00:00:00.123456789", "score": null, "deep": {"day": "2026-01-02"}}\n'
    )
    assert (tmp_path / "out.csv").read_text().splitlines()[1] == (
        'a,2026-01-02T03:04:05,1.20,/w==,00:00:00.123456789,nan,"{""day"": ""2026-01-02""}"'
    )
