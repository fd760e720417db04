"""API keys: shown once, kept as hashes, found among others."""

from __future__ import annotations

import stat
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from moderation.errors import KeysError
from moderation.keys import KeyRing, new_key

Command = Callable[..., CompletedProcess[bytes]]
SHA256 = "0" * 64


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "keys.toml"


def test_a_new_key_is_found_by_itself_and_nothing_else(file: Path) -> None:
    forum, bot = new_key(file, "forum", per_minute=60), new_key(file, "bot")
    ring = KeyRing.from_toml(file)
    for presented, name, per_minute in ((forum, "forum", 60), (bot, "bot", None)):
        key = ring.find(presented)
        assert key is not None
        assert (key.name, key.per_minute) == (name, per_minute)
    for unknown in ("", "mod_", forum[:-1], forum + "a", forum.upper(), SHA256, sha256(forum.encode()).hexdigest()):
        assert ring.find(unknown) is None


def test_the_file_holds_hashes_only_and_is_its_owners(file: Path) -> None:
    key = new_key(file, "forum")
    assert key not in file.read_text()
    assert sha256(key.encode()).hexdigest() in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_no_two_keys_are_alike(file: Path) -> None:
    assert len({new_key(file, f"k{number}") for number in range(20)}) == 20


def test_what_was_written_by_hand_stays(file: Path) -> None:
    file.write_text(f'# made by hand\n[keys.old]\nsha256 = "{SHA256}"')
    new_key(file, "new")
    assert file.read_text().startswith("# made by hand")
    assert {key.name for key in KeyRing.from_toml(file).keys} == {"old", "new"}


def test_a_name_is_given_once(file: Path) -> None:
    new_key(file, "forum")
    before = file.read_text()
    with pytest.raises(KeysError, match="a key named forum already"):
        new_key(file, "forum")
    assert file.read_text() == before


@pytest.mark.parametrize("name", ["", "two words", "a.b", "a\nb", "ü", "a" * 65, '"'])
def test_a_name_is_a_plain_word(file: Path, name: str) -> None:
    with pytest.raises(KeysError, match="cannot be a key's name"):
        new_key(file, name)
    assert not file.exists()


@pytest.mark.parametrize(
    "content",
    [
        "",
        "keys = 1",
        "[keys]",
        "[keys.forum]",
        "keys.forum = 1",
        '[keys.forum]\nsha256 = "abc"',
        f'[keys.forum]\nsha256 = "{SHA256}"\nper_minute = 0',
        f'[keys.forum]\nsha256 = "{SHA256}"\nper_minute = true',
        f'[keys.forum]\nsha256 = "{SHA256}"\nper_hour = 1',
        f'[key.forum]\nsha256 = "{SHA256}"',
        "[keys.forum",
        "\udcff",
    ],
)
def test_an_unusable_file_is_named(file: Path, content: str) -> None:
    file.write_bytes(content.encode(errors="surrogateescape"))
    with pytest.raises(KeysError, match=str(file)):
        KeyRing.from_toml(file)


def test_a_missing_file_is_named(file: Path) -> None:
    with pytest.raises(KeysError, match=str(file)):
        KeyRing.from_toml(file)


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(KeysError, match="nowhere"):
        new_key(tmp_path / "nowhere" / "keys.toml", "forum")


def test_the_command_prints_the_key_alone_and_says_what_to_do_with_it(cli: Command, file: Path) -> None:
    done = cli("keys", "new", "forum", "--file", file, "--per-minute", "60")
    assert done.returncode == 0
    [key] = done.stdout.decode().splitlines()
    found = KeyRing.from_toml(file).find(key)
    assert found is not None
    assert (found.name, found.per_minute) == ("forum", 60)
    assert f"MODERATION_API_KEYS={file}" in done.stderr.decode()
    assert key not in done.stderr.decode()


def test_the_command_says_in_one_line_why_there_is_no_key(cli: Command, file: Path) -> None:
    done = cli("keys", "new", "two words", "--file", file)
    assert (done.returncode, done.stdout) == (2, b"")
    assert len(done.stderr.decode().splitlines()) == 1
