"""Where files are written and what is left when writing fails."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from moderation.errors import InputError
from moderation.files import Batch, Format, open_reader, open_writer, refuse_taken

EVERY_FORMAT = pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.parquet", "a.csv.gz"])
ONE_ROW = Batch({"text": ["new"]}, [1])


@EVERY_FORMAT
def test_the_file_appears_when_it_is_complete(tmp_path: Path, name: str) -> None:
    with open_writer(tmp_path / name, None, ["text"]) as writer:
        writer.write(ONE_ROW)
        assert not (tmp_path / name).exists()

    assert [path.name for path in tmp_path.iterdir()] == [name]


@EVERY_FORMAT
@pytest.mark.parametrize("columns", [["text"], []])
@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_an_exception_leaves_nothing_behind(
    tmp_path: Path, name: str, columns: list[str], error: type[BaseException]
) -> None:
    def write_and_fail() -> None:
        with open_writer(tmp_path / name, None, columns) as writer:
            writer.write(ONE_ROW)
            raise error

    with pytest.raises(error):
        write_and_fail()

    assert list(tmp_path.iterdir()) == []


@EVERY_FORMAT
def test_an_exception_leaves_the_file_at_the_target_as_it_was(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("old")

    def write_and_fail() -> None:
        with open_writer(tmp_path / name, None, ["text"]) as writer:
            writer.write(ONE_ROW)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_and_fail()

    assert (tmp_path / name).read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_file_can_be_written_over_itself(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("text\n" + "hello\n" * 5000)

    with open_reader(path) as reader, open_writer(path, None, reader.columns, added={"n": int}) as writer:
        for batch in reader:
            writer.write(batch.with_columns({"n": [5] * len(batch)}))

    assert path.read_text() == "text,n\n" + "hello,5\n" * 5000


def test_permissions_are_those_of_the_file_replaced_or_of_any_new_file(tmp_path: Path) -> None:
    (tmp_path / "old.csv").write_text("old")
    (tmp_path / "old.csv").chmod(0o640)
    (tmp_path / "usual").touch()

    for name in ("old.csv", "new.csv"):
        with open_writer(tmp_path / name, None, ["text"]) as writer:
            writer.write(ONE_ROW)

    assert stat.S_IMODE((tmp_path / "old.csv").stat().st_mode) == 0o640
    assert (tmp_path / "new.csv").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real.csv").write_text("old")
    (tmp_path / "link.csv").symlink_to("real.csv")

    with open_writer(tmp_path / "link.csv", None, ["text"]) as writer:
        writer.write(ONE_ROW)

    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "real.csv").read_text() == "text\nnew\n"


def test_a_device_is_written_to_and_stays_a_device() -> None:
    with open_writer(Path(os.devnull), Format.CSV, ["text"]) as writer:
        writer.write(ONE_ROW)

    assert Path(os.devnull).is_char_device()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("format", list(Format))
@pytest.mark.filterwarnings("error")
def test_a_full_disk_is_reported(format: Format) -> None:
    def fill() -> None:
        with open_writer(Path("/dev/full"), format, ["text"]) as writer:
            for _ in range(3):
                writer.write(Batch({"text": ["x" * 1_000_000]}, [1]))

    with pytest.raises(InputError, match="/dev/full: cannot be written: No space left on device"):
        fill()


# --- targets that cannot be


def refused(target: Path, format: Format | None = None) -> str:
    with pytest.raises(InputError) as caught, open_writer(target, format, ["text"]):
        pass
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    target = tmp_path / "none" / "a.csv"

    assert refused(target) == f"{target}: there is no directory {tmp_path / 'none'}; create it first"


def test_a_directory_is_no_target(tmp_path: Path) -> None:
    assert refused(tmp_path, Format.CSV) == f"{tmp_path}: is a directory; name a file in it"


def test_a_directory_in_which_nothing_can_be_created_is_reported() -> None:
    if not Path("/proc/self").exists():
        pytest.skip("needs a directory that refuses files even from root")
    assert refused(Path("/proc/a.csv")).startswith("/proc/a.csv: cannot be written: ")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_directory_without_permission_is_reported(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)

    assert refused(tmp_path / "a.csv") == f"{tmp_path / 'a.csv'}: cannot be written: Permission denied"


def test_a_name_too_long_is_reported_before_any_row_is_read(tmp_path: Path) -> None:
    assert "cannot be written: File name too long" in refused(tmp_path / f"{'x' * 300}.csv")


def test_an_unknown_suffix_is_told_what_is_known(tmp_path: Path) -> None:
    assert "known are .csv" in refused(tmp_path / "a.txt")


# --- columns that would be overwritten


@EVERY_FORMAT
def test_an_added_column_that_was_read_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "in.csv").write_text("text,toxicity\na,b\n")

    with (
        open_reader(tmp_path / "in.csv") as reader,
        pytest.raises(InputError, match=r"in\.csv: has the column 'toxicity' already, .*; rename it there"),
        open_writer(tmp_path / name, None, reader.columns, like=reader, added={"toxicity": float, "action": str}),
    ):
        pass

    assert not (tmp_path / name).exists()


def test_the_check_can_be_made_beforehand() -> None:
    refuse_taken(("text", "id"), ["toxicity"])
    with pytest.raises(InputError, match="the input: has the column 'insult', 'spam' already"):
        refuse_taken(("text", "spam", "insult"), ["insult", "spam"])
