"""Environments and packages of detected repos as they are really made, kept, used, changed and taken away: offline."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import shutil
import tarfile
import zipfile
from datetime import timedelta
from pathlib import Path

import pytest

from opsconsole.config.workspace import open_workspace
from opsconsole.core.nouns import RunState, StepState
from opsconsole.runs.record import retention
from opsconsole.runs.record.retention import prune
from opsconsole.store import steps
from opsconsole.store.runs import RunRecord
from opsconsole.store.steps import StepRecord
from tests.runs.bench import Bench, commit_all, until

TEST = """
import unittest
import small
class T(unittest.TestCase):
    def test_it(self):
        self.assertEqual(small.VERSION, {version!r})
"""


def wheel(folder: Path, version: str) -> None:
    folder.mkdir(exist_ok=True)
    about = f"small-{version}.dist-info"
    with zipfile.ZipFile(folder / f"small-{version}-py3-none-any.whl", "w") as file:
        file.writestr("small.py", f"VERSION = {version!r}\n")
        file.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: small\nVersion: {version}\n")
        file.writestr(
            f"{about}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        file.writestr(f"{about}/RECORD", f"small.py,,\n{about}/METADATA,,\n{about}/WHEEL,,\n{about}/RECORD,,\n")


def needs(bench: Bench, version: str) -> None:
    """Commit a test that needs this version of the one package there is."""
    text = f"--no-index\n--find-links wheels\nsmall=={version}\n"
    (bench.repo / "requirements.txt").write_text(text, encoding="utf-8")
    (bench.repo / "test_small.py").write_text(TEST.format(version=version), encoding="utf-8")
    commit_all(bench.repo, f"Need {version}")


def install(bench: Bench, run_id: int) -> StepRecord:
    return next(step for step in steps.of_run(bench.store, run_id) if step.name == "install")


def kept(bench: Bench) -> set[str]:
    return {mark.stem for mark in (bench.workspace.state / "environments").glob("*.json")}


def log(bench: Bench, record: RunRecord) -> str:
    return bench.log(record.id, "install").decode("utf-8", "replace")


def test_an_environment_is_made_once_and_again_when_what_it_is_made_of_changes(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One story, because each environment takes seconds to make: what fails is not kept, what is in use stays."""
    wheel(bench.repo / "wheels", "2.0")
    needs(bench, "1.0")
    broken = bench.run("app")
    assert (broken.state, install(bench, broken.id).state) == (RunState.FAILED, StepState.FAILED)
    assert kept(bench) == set()
    wheel(bench.repo / "wheels", "1.0")
    commit_all(bench.repo, "What was missing")
    first = bench.run("app")
    assert (first.state, install(bench, first.id).state) == (RunState.PASSED, StepState.PASSED), log(bench, first)
    assert install(bench, first.id).note == "ran: nothing is kept of it yet"
    before = kept(bench)
    assert len(before) == 1
    (bench.repo / "README").write_text("other\n", encoding="utf-8")
    commit_all(bench.repo, "Nothing of it")
    second = bench.run("app")
    step = install(bench, second.id)
    assert (step.state, step.note) == (StepState.CACHED, f"kept from run {first.id}: the same input")
    assert (second.state, second.tests and second.tests.passed) == (RunState.PASSED, 1)
    needs(bench, "2.0")
    third = bench.run("app")
    assert third.state is RunState.PASSED, log(bench, third)
    assert install(bench, third.id).note == "ran: requirements.txt changed"
    assert before < kept(bench)
    assert len(kept(bench)) == 2
    one_that_is_in_use_is_not_taken_away(bench, monkeypatch)


def one_that_is_in_use_is_not_taken_away(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "YOUNG", timedelta(0))
    waits = (
        "import os, pathlib, time\nimport unittest\nplace = pathlib.Path(os.environ['OPSCONSOLE_WORKSPACE'])\n"
        "class T(unittest.TestCase):\n    def test_it(self):\n        (place / 'there').touch()\n"
        "        while not (place / 'go').exists(): time.sleep(0.02)\n        import small\n"
    )
    (bench.repo / "test_small.py").write_text(waits, encoding="utf-8")
    commit_all(bench.repo, "Wait")
    bench.pipelines("", workspace='retention = { cache = "1kB" }')
    bench.workspace = open_workspace(bench.root)
    run_id = bench.start("app")
    until((bench.root / "there").exists)
    assert install(bench, run_id).state is StepState.CACHED
    prune(bench.workspace, bench.store)
    (used,) = kept(bench)
    assert prune(bench.workspace, bench.store).kept_results == ()
    assert kept(bench) == {used}
    (bench.root / "go").touch()
    assert bench.wait(run_id).state is RunState.PASSED
    until(lambda: len(prune(bench.workspace, bench.store).kept_results) == 1)
    assert kept(bench) == set()


def package(folder: Path, test: str) -> None:
    """Write a project whose one package lies in it as an archive, with the lock file that says so."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        for name, text in (
            ("package.json", '{"name": "small", "version": "1.0.0"}'),
            ("index.js", "module.exports = 1;"),
        ):
            member = tarfile.TarInfo(f"package/{name}")
            member.size, member.mode = len(text), 0o644
            archive.addfile(member, io.BytesIO(text.encode()))
    (folder / "small-1.0.0.tgz").write_bytes(content.getvalue())
    digest = base64.b64encode(hashlib.sha512(content.getvalue()).digest()).decode()
    archive_name = "file:small-1.0.0.tgz"
    own = {"name": "app", "version": "1.0.0", "dependencies": {"small": archive_name}}
    entry = {"version": "1.0.0", "resolved": archive_name, "integrity": f"sha512-{digest}"}
    lock = {"lockfileVersion": 3, "requires": True, "packages": {"": own, "node_modules/small": entry}}
    told = (
        "const fs = require('node:fs');\nconst { ino, nlink } = fs.statSync(require.resolve('small'));\n"
        "require('node:test')('small', () => require('node:assert').equal(require('small'), 1));\n"
        "fs.writeFileSync(`${process.env.OPSCONSOLE_OUT}/file.json`, JSON.stringify({ ino, nlink }));\n"
    )
    (folder / "small.test.js").write_text(told, encoding="utf-8")
    scripts = {"test": test}
    (folder / "package.json").write_text(json.dumps(own | {"scripts": scripts}), encoding="utf-8")
    (folder / "package-lock.json").write_text(json.dumps({"name": "app", "version": "1.0.0"} | lock), encoding="utf-8")


@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not here")
def test_packages_come_back_as_hard_links_and_a_build_that_deletes_its_own_leaves_them(bench: Bench) -> None:
    package(bench.repo, "node --test && rm -rf node_modules")
    commit_all(bench.repo, "A package")
    found = [bench.run("app") for _ in range(3)]
    said = [log(bench, record) for record in found]
    assert [record.state for record in found] == [RunState.PASSED] * 3, said
    assert [record.tests and record.tests.passed for record in found] == [1, 1, 1]
    assert [install(bench, record.id).state for record in found] == [
        StepState.PASSED,
        StepState.CACHED,
        StepState.CACHED,
    ]
    (file,) = (bench.workspace.state / "cache").glob("*/0/small/index.js")
    for record in found[1:]:
        assert json.loads((bench.folder(record.id).out / "file.json").read_text())["ino"] == file.stat().st_ino
    assert file.read_text(encoding="utf-8") == "module.exports = 1;"
    assert file.stat().st_nlink == 1


@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not here")
def test_packages_that_a_step_changed_in_place_are_not_used_again(bench: Bench) -> None:
    package(bench.repo, "node --test && echo 'module.exports = 2;' > node_modules/small/index.js")
    commit_all(bench.repo, "A package, and a test that changes it")
    found = [bench.run("app") for _ in range(3)]
    assert [record.state for record in found] == [RunState.PASSED] * 3, [log(bench, record) for record in found]
    how = [install(bench, record.id) for record in found]
    assert [step.state for step in how] == [StepState.PASSED, StepState.CACHED, StepState.PASSED]
    assert (how[2].note or "").startswith("what was kept had been changed in place by a step that used it; ran: ")
