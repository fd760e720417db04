"""Reading and writing JSON Lines."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from moderation.errors import InputError, RowError
from moderation.files import ABSENT, Batch, open_reader, open_writer


def read(tmp_path: Path, content: bytes, **options: Any) -> tuple[list[Batch], list[str]]:
    """The batches of a JSON Lines file of that content, and the messages about its bad rows."""
    path = tmp_path / "comments.jsonl"
    path.write_bytes(content)
    errors: list[RowError] = []
    with open_reader(path, on_row_error=errors.append, **options) as reader:
        batches = list(reader)
    return batches, [str(error).removeprefix(f"{path}, ") for error in errors]


def copy(source: Path, target: Path, **added: type) -> None:
    with open_reader(source) as reader, open_writer(target, None, reader.columns, like=reader, added=added) as writer:
        for batch in reader:
            writer.write(batch.with_columns({name: [kind()] * len(batch) for name, kind in added.items()}))


# --- reading


def test_rows_become_columns_and_missing_keys_are_absent(tmp_path: Path) -> None:
    batches, errors = read(tmp_path, b'{"text": "a", "n": 1}\n{"text": "b", "extra": null}\n')

    assert batches == [Batch({"text": ["a", "b"], "n": [1, ABSENT], "extra": [ABSENT, None]}, [1, 2])]
    assert errors == []


def test_columns_are_not_known_beforehand(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "a"}\n')

    with open_reader(tmp_path / "a.jsonl") as reader:
        assert reader.columns == ()


def test_an_empty_file_has_no_rows(tmp_path: Path) -> None:
    assert read(tmp_path, b"") == ([], [])


def test_a_byte_order_mark_is_accepted(tmp_path: Path) -> None:
    batches, errors = read(tmp_path, b'\xef\xbb\xbf{"text": "a"}')

    assert (batches, errors) == ([Batch({"text": ["a"]}, [1])], [])


def test_blank_lines_are_skipped_and_counted_as_lines(tmp_path: Path) -> None:
    batches, errors = read(tmp_path, b'\n{"text": "a"}\r\n \r\n\n7\n{"text": "b"}\n')

    assert batches[0].rows == [1, 3]
    assert errors == ["row 2: is a number, not a JSON object (line 5)"]


@pytest.mark.parametrize("value", ["null", '""', '"title"'])
def test_context_may_be_missing_null_or_empty(tmp_path: Path, value: str) -> None:
    batches, errors = read(tmp_path, f'{{"text": "a", "article_title": {value}}}\n{{"text": "b"}}\n'.encode())

    assert len(batches[0]) == 2
    assert errors == []


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"text": "a"', "is not JSON: Expecting ',' delimiter at column 13; every line is one JSON object"),
        (b"{'text': 'a'}", "is not JSON: Expecting property name enclosed in double quotes at column 2; every line is"),
        (b'{"text": "a"} {"text": "b"}', "is not JSON: Extra data at column 15; every line is one JSON object"),
        (
            b'{"text": "tab\there"}',
            "is not JSON: Invalid control character at column 14; every line is one JSON object",
        ),
        (b'{"text": "a", "n": NaN}', "is not JSON: NaN is no JSON number"),
        (b'{"text": "a", "n": 1e999}', "the number 1e999 is out of range"),
        (b'{"text": "a", "n": ' + b"1" * 5000 + b"}", "is not usable JSON: Exceeds the limit"),
        (b'{"text": "a", "n": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "is nested too deeply"),
        (b'{"text": "a", "n": ' + b"[" * 100 + b"]" * 100 + b"}", "is nested too deeply"),
        (b'{"text": "caf\xe9"}', "is not UTF-8; save the file as UTF-8"),
        ('{"text": "a"}'.encode("utf-16-le"), "is not JSON: "),
        (b'["a"]', "is an array, not a JSON object"),
        (b'"a"', "is a string, not a JSON object"),
        (b"null", "is null, not a JSON object"),
        (b"{}", "has no 'text'"),
        (b'{"text": null}', "'text' is null"),
        (b'{"text": 5}', "'text' is a number, not a string"),
        (b'{"text": true}', "'text' is a truth value, not a string"),
        (b'{"text": ["a"]}', "'text' is an array, not a string"),
        (b'{"text": "a", "article_title": 5}', "'article_title' is a number, not a string"),
        (b'{"text": "a", "parent_text": {}}', "'parent_text' is an object, not a string"),
        (
            b'{"text": "' + b"x" * 16_000_000 + b'"}',
            "longer than 16000000 bytes; JSON Lines has one object on each line",
        ),
    ],
    ids=lambda value: value[:30] if isinstance(value, bytes) else "",
)
def test_a_bad_line_names_row_line_and_reason_and_costs_no_other(tmp_path: Path, line: bytes, reason: str) -> None:
    batches, errors = read(tmp_path, b'{"text": "a"}\n\n' + line + b'\n{"text": "b"}\n')

    assert batches == [Batch({"text": ["a", "b"]}, [1, 3])]
    assert len(errors) == 1
    assert errors[0].startswith(f"row 2: {reason}")
    assert errors[0].endswith(" (line 3)")


def test_without_a_callback_the_first_bad_line_is_raised(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "a"}\noops\n')

    with open_reader(tmp_path / "a.jsonl") as reader, pytest.raises(RowError, match=r"a\.jsonl, row 2: is not JSON"):
        list(reader)


def test_required_columns_may_hold_anything_but_nothing(tmp_path: Path) -> None:
    lines = b'{"text": "a", "label": 1}\n{"text": "b"}\n{"text": "c", "label": null}\n'

    batches, errors = read(tmp_path, lines, required=("text", "label"))

    assert batches == [Batch({"text": ["a"], "label": [1]}, [1])]
    assert errors == ["row 2: has no 'label' (line 2)", "row 3: 'label' is null (line 3)"]


def test_a_file_of_one_endless_line_is_not_read_into_memory(tmp_path: Path) -> None:
    path = tmp_path / "comments.jsonl"
    with path.open("wb") as file:
        file.truncate(200_000_000)
    errors: list[RowError] = []

    tracemalloc.start()
    try:
        with open_reader(path, on_row_error=errors.append) as reader:
            assert list(reader) == []
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert [error.row for error in errors] == [1]
    assert peak < 50_000_000


# --- writing


def test_unknown_values_pass_through_untouched(tmp_path: Path) -> None:
    lines = [
        '{"text": "a", "user": {"name": "é", "tags": ["x", 1, null, {"deep": [true]}]}, "n": 12345678901234567890}',
        '{"text": "b", "n": "1", "gone": null}',
        '{"text": "c", "n": 0.1, "empty": {}, "user": []}',
    ]
    (tmp_path / "a.jsonl").write_text("\n".join(lines), encoding="utf-8")

    copy(tmp_path / "a.jsonl", tmp_path / "b.jsonl", toxicity=float)

    result = [json.loads(line) for line in (tmp_path / "b.jsonl").read_text(encoding="utf-8").splitlines()]
    assert result == [{**json.loads(line), "toxicity": 0.0} for line in lines]


@pytest.mark.parametrize("name", ["b.jsonl", "b.csv", "b.parquet"])
def test_what_is_nested_as_deeply_as_may_be_can_be_written(tmp_path: Path, name: str) -> None:
    nested = "[" * 99 + "]" * 99
    (tmp_path / "a.jsonl").write_text(f'{{"text": "[{{{"[" * 200}", "n": {nested}}}\n')

    copy(tmp_path / "a.jsonl", tmp_path / name)

    with open_reader(tmp_path / name) as reader:
        assert next(reader).columns["n"] == [json.loads(nested) if name == "b.jsonl" else nested]


def test_a_key_that_a_row_lacks_is_left_out_and_a_null_is_not(tmp_path: Path) -> None:
    with open_writer(tmp_path / "a.jsonl", None, [], added={"off_topic": float}) as writer:
        writer.write(Batch({"text": ["a", "b", "c"], "off_topic": [0.5, ABSENT, None]}, [1, 2, 3]))

    assert (tmp_path / "a.jsonl").read_text().splitlines() == [
        '{"text": "a", "off_topic": 0.5}',
        '{"text": "b"}',
        '{"text": "c", "off_topic": null}',
    ]


def test_named_columns_are_written_and_others_are_not(tmp_path: Path) -> None:
    with open_writer(tmp_path / "a.jsonl", None, ["text"], added={"action": str}) as writer:
        writer.write(Batch({"action": ["review"], "id": ["1"], "text": ["a"]}, [1]))

    assert (tmp_path / "a.jsonl").read_text() == '{"text": "a", "action": "review"}\n'


def test_lone_surrogates_survive_as_escapes(tmp_path: Path) -> None:
    line = '{"text": "a\\ud83db \\udc80", "\\udfff": "🤬"}\n'
    batches, errors = read(tmp_path, line.encode())
    assert batches == [Batch({"text": ["a\ud83db \udc80"], "\udfff": ["🤬"]}, [1])]
    assert errors == []

    copy(tmp_path / "comments.jsonl", tmp_path / "b.jsonl")

    assert (tmp_path / "b.jsonl").read_text(encoding="utf-8") == line


def test_lone_surrogates_become_replacement_characters_in_tables(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "a\\ud83db"}\n')

    copy(tmp_path / "a.jsonl", tmp_path / "b.csv")
    copy(tmp_path / "a.jsonl", tmp_path / "b.parquet")

    assert (tmp_path / "b.csv").read_text(encoding="utf-8") == "text\na\ufffdb\n"
    assert pq.read_table(tmp_path / "b.parquet").to_pylist() == [{"text": "a\ufffdb"}]


def test_infinity_and_nan_become_null_because_json_has_neither(tmp_path: Path) -> None:
    with open_writer(tmp_path / "a.jsonl", None, []) as writer:
        writer.write(Batch({"a": [float("nan")], "b": [[float("inf"), {"c": float("nan")}]], "d": [0.5]}, [1]))

    assert (tmp_path / "a.jsonl").read_text() == '{"a": null, "b": [null, {"c": null}], "d": 0.5}\n'


# --- tables from rows that each name their own columns


def rows_with_late_keys(tmp_path: Path) -> Path:
    path = tmp_path / "a.jsonl"
    lines = [{"text": f"comment {number}", "n": number} for number in range(5000)]
    path.write_text(
        "".join(json.dumps(line) + "\n" for line in [*lines, {"text": "last", "late": {"x": [1]}, "n": "5"}])
    )
    return path


def test_csv_has_the_columns_of_all_rows_late_ones_included(tmp_path: Path) -> None:
    copy(rows_with_late_keys(tmp_path), tmp_path / "b.csv", toxicity=float)

    lines = (tmp_path / "b.csv").read_text().splitlines()
    assert lines[:2] == ["text,n,late,toxicity", "comment 0,0,,0.0"]
    assert lines[-1] == 'last,5,"{""x"": [1]}",0.0'
    assert len(lines) == 5002


def test_parquet_has_strings_and_the_json_text_of_what_is_none(tmp_path: Path) -> None:
    copy(rows_with_late_keys(tmp_path), tmp_path / "b.parquet", toxicity=float)

    table = pq.read_table(tmp_path / "b.parquet")
    assert [f"{field.name} {field.type}" for field in table.schema] == [
        "text string",
        "n string",
        "late string",
        "toxicity double",
    ]
    assert table.slice(0, 1).to_pylist() == [{"text": "comment 0", "n": "0", "late": None, "toxicity": 0.0}]
    assert table.slice(5000).to_pylist() == [{"text": "last", "n": "5", "late": '{"x": [1]}', "toxicity": 0.0}]


def test_an_added_column_that_a_late_row_has_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "a"}\n' * 3000 + '{"text": "b", "toxicity": 1}\n')

    with pytest.raises(InputError, match="has the column 'toxicity' already"):
        copy(tmp_path / "a.jsonl", tmp_path / "b.csv", toxicity=float)

    assert [path.name for path in tmp_path.iterdir()] == ["a.jsonl"]
