"""Editing opsconsole.toml: a section comes and goes, and everything else stays byte for byte as it was."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import tomllib
from pathlib import Path

import pytest

from opsconsole.config.editing import Edit, Section, Setting, add_sections, remove_section
from opsconsole.config.editing import edit as edit_file
from opsconsole.config.load import load
from opsconsole.core.errors import ConfigError, ConflictError, NotFoundError, RefusedError, UsageError

PLAIN = '# mine\n[workspace]\nname = "w"   # short\n\n[repos.app]\npath = "app"\n# the end\n'
WEATHER = Section(
    "monitors",
    "weather",
    {
        "reference": Setting("old.csv"),
        "current": Setting("new.csv"),
        "chunk": Setting("day", "the rows say so"),
        "limits": {"persist": Setting(1)},
    },
)
FILES = {
    "plain": PLAIN,
    "empty": "",
    "no end of line": "[workspace]\nname = 'w'",
    "comments between": PLAIN + "\n# ── models ──\n[models.m]\ntask = 'regression'\n\n# ── the last word ──\n",
    "inline table": 'monitors = { a = { reference = "r", current = "c" } }\n# after\n[workspace]\nname = "w"\n',
    "dotted keys": '[monitors]\na.reference = "r"  # why\na.current = "c"\n# after\n',
    "out of order": '[repos.a]\npath = "a"\n[models.m]\n# m\n[repos.b]\npath = "b"\n[workspace]\nslots = 2\n',
    "a header in a text": '[repos.a]\npath = "a"\n[repos.a.pipelines.p]\nrun = """\n[monitors.weather]\nx = 1\n"""\n',
    "quoted": '["repos"."a.b"]\npath = "ü"  # ünïcode\n',
}


def written(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "opsconsole.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize("text", FILES.values(), ids=FILES.keys())
def test_a_section_is_added_and_every_line_that_stood_there_still_does(tmp_path: Path, text: str) -> None:
    path = written(tmp_path, text)
    edit = add_sections(path, [WEATHER])
    after = path.read_text(encoding="utf-8")
    assert edit.changed
    assert edit.after == after
    assert load(path).monitors["weather"].limits.persist == 1
    if "inline" not in text and "monitors = {" not in text:
        assert after.startswith(text.rstrip("\n"))
        assert 'chunk = "day"  # the rows say so' in after.replace("           ", "")
    for comment in (line for line in text.splitlines() if line.startswith("#")):
        assert comment in after.splitlines()


@pytest.mark.parametrize("text", FILES.values(), ids=FILES.keys())
def test_what_was_added_is_undone_to_the_byte(tmp_path: Path, text: str) -> None:
    path = written(tmp_path, text)
    add_sections(path, [WEATHER])
    remove_section(path, "monitors", "weather")
    assert path.read_text(encoding="utf-8") == (text if text.endswith("\n") or not text else f"{text}\n")


@pytest.mark.parametrize("name", ["a", "b.c"])
def test_a_section_in_the_middle_goes_and_the_comments_around_it_stay(tmp_path: Path, name: str) -> None:
    key = f'"{name}"' if "." in name else name
    text = (
        f'# one\n[repos.x]\npath = "x"\n# of x\n\n# before\n[monitors.{key}]\nreference = "r"\ncurrent = [\n'.replace(
            "[\n", '"c"\n'
        )
        + f"[monitors.{key}.limits]\npersist = 1 # gone\n\n# ── the next ──\n[models.m]\ntask = 'binary'\n"
    )
    path = written(tmp_path, text)
    remove_section(path, "monitors", name)
    after = path.read_text(encoding="utf-8")
    assert [line for line in after.splitlines() if line.startswith("#")] == [
        "# one",
        "# of x",
        "# before",
        "# ── the next ──",
    ]
    assert "gone" not in after
    assert tomllib.loads(after) == {"repos": {"x": {"path": "x"}}, "models": {"m": {"task": "binary"}}}


@pytest.mark.parametrize(
    "text",
    [
        'monitors = { a = { reference = "r", current = "c" }, b = { reference = "r", current = "c" } }\n# end\n',
        '# top\n[monitors]\na.reference = "r"\na.current = "c"\nb = { reference = "r", current = "c" } # b\n# end\n',
    ],
)
def test_a_section_that_has_no_header_goes_too(tmp_path: Path, text: str) -> None:
    path = written(tmp_path, text)
    remove_section(path, "monitors", "a")
    assert list(load(path).monitors) == ["b"]
    assert "# end" in path.read_text(encoding="utf-8")


def test_the_ends_of_lines_the_mode_and_the_link_are_kept(tmp_path: Path) -> None:
    real = tmp_path / "real" / "ops.toml"
    real.parent.mkdir()
    real.write_bytes(PLAIN.replace("\n", "\r\n").encode())
    real.chmod(0o640)
    path = tmp_path / "opsconsole.toml"
    path.symlink_to("real/ops.toml")
    add_sections(path, [WEATHER])
    assert path.is_symlink()
    assert real.stat().st_mode & 0o777 == 0o640
    raw = real.read_bytes()
    assert raw.count(b"\n") == raw.count(b"\r\n")
    remove_section(path, "monitors", "weather")
    assert real.read_bytes() == PLAIN.replace("\n", "\r\n").encode()


def test_a_dry_run_shows_the_patch_and_writes_nothing(tmp_path: Path) -> None:
    path = written(tmp_path, PLAIN)
    edit = add_sections(path, [WEATHER], dry_run=True)
    assert path.read_text(encoding="utf-8") == PLAIN
    assert "+[monitors.weather]" in edit.diff.splitlines()


def test_the_same_again_changes_nothing_and_something_else_of_that_name_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, PLAIN)
    add_sections(path, [WEATHER])
    before = path.read_bytes()
    assert not add_sections(path, [WEATHER]).changed
    other = Section("monitors", "weather", {**WEATHER.settings, "chunk": Setting("hour")})
    with pytest.raises(ConflictError, match="another chunk"):
        add_sections(path, [other])
    assert path.read_bytes() == before


@pytest.mark.parametrize("name", ["", "a b", "../x", "x" * 65, "-x", "a\nb", "ä"])
def test_a_name_that_no_section_can_have_is_refused(tmp_path: Path, name: str) -> None:
    path = written(tmp_path, PLAIN)
    with pytest.raises(UsageError, match="is no name"):
        add_sections(path, [Section("models", name, {})])


@pytest.mark.parametrize(
    ("content", "said"), [(b"\xff\xfe", "not UTF-8"), (b"[broken", "not valid TOML"), (b"[what]\n", "no key `what`")]
)
def test_a_file_that_does_not_hold_is_not_touched(tmp_path: Path, content: bytes, said: str) -> None:
    path = written(tmp_path, content)
    with pytest.raises(ConfigError, match=said):
        add_sections(path, [WEATHER])
    assert path.read_bytes() == content


def test_an_outcome_that_would_not_hold_is_not_written(tmp_path: Path) -> None:
    path = written(tmp_path, PLAIN)
    with pytest.raises(ConfigError, match="there is no model"):
        add_sections(path, [Section("monitors", "m", {"model": Setting("none@production"), "current": Setting("x")})])
    assert path.read_text(encoding="utf-8") == PLAIN


def test_a_read_only_file_is_refused_and_stays(tmp_path: Path) -> None:
    path = written(tmp_path, PLAIN)
    path.chmod(0o444)
    with pytest.raises(RefusedError, match="read-only"):
        add_sections(path, [WEATHER])
    assert path.read_text(encoding="utf-8") == PLAIN


def test_what_an_editor_wrote_meanwhile_is_not_lost(tmp_path: Path) -> None:
    path = written(tmp_path, PLAIN)

    def meanwhile(text: str, _: object) -> str:
        path.write_text(PLAIN + "# by hand\n", encoding="utf-8")
        return text + "# by us\n"

    with pytest.raises(ConflictError, match="changed meanwhile"):
        edit_file(path, meanwhile)
    assert path.read_text(encoding="utf-8") == PLAIN + "# by hand\n"


def test_what_is_not_there_cannot_be_taken_out(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no such file"):
        add_sections(tmp_path / "opsconsole.toml", [WEATHER])
    with pytest.raises(NotFoundError, match=r"monitors\.none"):
        remove_section(written(tmp_path, PLAIN), "monitors", "none")


def test_writers_at_once_lose_nothing(tmp_path: Path) -> None:
    path = written(tmp_path, PLAIN)
    names = [f"m{number}" for number in range(8)]
    edits: list[Edit] = []

    def add(name: str) -> None:
        edits.append(add_sections(path, [Section("models", name, {"task": Setting("binary")})]))

    threads = [threading.Thread(target=add, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(edits) == len(names)
    assert sorted(load(path).models) == names


def test_a_writer_that_is_killed_leaves_the_old_file_or_the_new_one(tmp_path: Path) -> None:
    path = written(tmp_path, PLAIN)
    program = (
        "import sys; from pathlib import Path; from opsconsole.config.editing import *\n"
        "print('up', flush=True)\n"
        "for n in range(10**6):\n"
        " add_sections(Path(sys.argv[1]), [Section('models', f'm{n}', {'task': Setting('binary')})])\n"
        " remove_section(Path(sys.argv[1]), 'models', f'm{n}')\n"
    )
    for number in range(3):
        child = subprocess.Popen([sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE)
        assert child.stdout is not None
        child.stdout.readline()
        before = path.stat().st_ino
        until = time.monotonic() + 20
        while path.stat().st_ino == before and time.monotonic() < until:
            os.sched_yield()
        for _ in range(number * 1000):
            os.sched_yield()
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        assert path.read_text(encoding="utf-8").startswith(PLAIN)
        assert len(load(path).models) <= 1
        for name in load(path).models:
            remove_section(path, "models", name)
        assert path.read_text(encoding="utf-8") == PLAIN
