"""What would run code when loaded is told from its bytes, however it is called and wrapped, and is never loaded."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import io
import json
import lzma
import os
import pickle
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import joblib  # type: ignore[import-untyped]
import numpy as np
import pytest
import skops.io
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from opsconsole.config.schema import ModelConfig
from opsconsole.core.errors import UsageError
from opsconsole.core.nouns import GateOutcome
from opsconsole.registry.gates.artifact import of_audit
from opsconsole.registry.versions import opcodes, pickles
from opsconsole.registry.versions.audit import audit
from opsconsole.registry.versions.pickles import is_pickle
from opsconsole.store.models import Audit
from tests.model_workspace import Left, Shop

TRIPWIRE = Path("/tmp/opsconsole-was-executed")


class Malicious:
    """Runs a program when it is unpickled."""

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, (f"touch {TRIPWIRE}",)


def zipped(content: bytes, name: str = "data/0.bin") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("readme.txt", "harmless")
        archive.writestr(name, content)
    return buffer.getvalue()


def taped(content: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tape:
        entry = tarfile.TarInfo("weights.bin")
        entry.size = len(content)
        tape.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def zipped_all(*contents: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for number, content in enumerate(contents):
            archive.writestr(f"m{number}", content)
    return buffer.getvalue()


def broken_first(archive: bytes) -> bytes:
    return archive.replace(b"fine", b"fire", 1)


def unknown_first(archive: bytes) -> bytes:
    """Its method of compression, in the local header and in the directory, is one that does not exist."""
    found = bytearray(archive)
    for mark, at in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        found[found.index(mark) + at] = 77
    return bytes(found)


def taped_all(*contents: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tape:
        for number, content in enumerate(contents):
            entry = tarfile.TarInfo(f"m{number}")
            entry.size = len(content)
            tape.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def joblibbed(compress: object) -> bytes:
    buffer = io.BytesIO()
    joblib.dump([Malicious(), np.arange(1000.0)], buffer, compress=compress)
    return buffer.getvalue()


def arrays() -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, numbers=np.arange(50_000.0) / 7, names=np.array(["a", "b"]))
    return buffer.getvalue()


def objects() -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.array([Malicious()], dtype=object))
    return buffer.getvalue()


BARE = pickle.dumps(Malicious())
WRAPPED = {
    **{f"protocol {number}": pickle.dumps(Malicious(), protocol=number) for number in range(6)},
    "with rubbish behind": BARE + b"rubbish",
    "long, old protocol": pickle.dumps(["x" * (2 << 20), Malicious()], protocol=0),
    "long, old protocol, in a zip": zipped(pickle.dumps(["x" * (2 << 20), Malicious()], protocol=0)),
    "a number only a load reads": b"I0x10\n0" + pickle.dumps(Malicious(), protocol=0),
    "gzip": gzip.compress(BARE),
    "bz2": bz2.compress(BARE),
    "xz": lzma.compress(BARE),
    "zlib": zlib.compress(BARE),
    "in a zip": zipped(BARE),
    "in a zip by its name": zipped(b"?", "archive/data.pkl"),
    "in a zip in a zip": zipped(zipped(BARE)),
    "wrapped deeper than anyone looks": zipped(zipped(zipped(zipped(zipped(BARE))))),
    "in a tar": taped(BARE),
    "in a compressed tar": gzip.compress(taped(BARE)),
    "gzip behind an empty stream": gzip.compress(b"") + gzip.compress(BARE),
    "gzip in two streams": gzip.compress(BARE[:7]) + gzip.compress(BARE[7:]),
    "gzip behind letters": gzip.compress(b"a" * 70000) + gzip.compress(zipped(BARE)),
    "bz2 behind an empty stream": bz2.compress(b"") + bz2.compress(BARE),
    "bz2 in two streams": bz2.compress(BARE[:7]) + bz2.compress(BARE[7:]),
    "xz behind an empty stream": lzma.compress(b"") + lzma.compress(BARE),
    "xz in two streams": lzma.compress(BARE[:7]) + lzma.compress(BARE[7:]),
    "zlib in two streams": zlib.compress(BARE[:7]) + zlib.compress(BARE[7:]),
    "zlib behind an empty stream": zlib.compress(b"") + zlib.compress(BARE),
    "gzip that breaks off": gzip.compress(os.urandom(5000))[:-100],
    "gzip with something behind": gzip.compress(b"harmless") + b"?",
    "a zip in a gzip": gzip.compress(zipped(BARE)),
    "a zip whose first member is broken": broken_first(zipped_all(b"fine" * 9, BARE)),
    "a zip whose first member is packed as nobody knows": unknown_first(zipped_all(b"fine" * 9, BARE)),
    "a tar behind empty blocks": gzip.compress(bytes(1 << 20) + taped(BARE)),
    "a tar that breaks off": taped(b"x" * 5000)[:2000],
    "in a tar.gz behind 64 MB": gzip.compress(taped_all(bytes(64 << 20), BARE), 1),
    "zstandard": b"\x28\xb5\x2f\xfd" + b"?" * 20,
    "array of objects": objects(),
    "joblib": joblibbed(0),
    "joblib, zlib": joblibbed(3),
    "joblib, lzma": joblibbed(("lzma", 3)),
    "behind a zip's end": BARE + zipped(b"harmless"),
}


@pytest.mark.parametrize("content", WRAPPED.values(), ids=WRAPPED.keys())
def test_a_pickle_is_known_by_its_bytes_whatever_it_is_called(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "weights.bin").write_bytes(content)
    assert is_pickle(tmp_path / "weights.bin")
    assert audit(tmp_path).format == "pickle"
    assert not TRIPWIRE.exists(), "it was loaded"


def test_one_pickle_among_harmless_files_makes_the_whole_artifact_one(tmp_path: Path) -> None:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "model.txt").write_text("1 2 3")
    (tmp_path / "deep" / "er" / "x").write_bytes(BARE)
    assert audit(tmp_path).format == "pickle"


HARMLESS = {
    "text": b"1 2 3\n",
    "empty": b"",
    "json": b'{"trees": [1, 2]}',
    "csv": b"id,score\n1,.5\n",
    "onnx": b"\x08\x08\x12\x07skl2onnx",
    "npz": arrays(),
    "gzipped text": gzip.compress(b"hello"),
    "letters that are opcodes": b"N0.",
    "an algebra lesson": b"x^2 + 1\n",
    "gzipped in two streams": gzip.compress(b"hel") + gzip.compress(b"lo"),
    "gzipped tar": gzip.compress(taped(b"1 2 3")),
    "a zip in a gzip": gzip.compress(zipped(b"1 2 3")),
    "empty blocks": bytes(1 << 20),
    "prose": b"I am\ncertain of nothing.\nNo.\n" * 50,
    "a length nobody has": b"\x8d\x00\x00\x00\x00\x00\x00\x00\x80",
}


@pytest.mark.parametrize("content", HARMLESS.values(), ids=HARMLESS.keys())
def test_what_runs_nothing_is_no_pickle(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "weights.bin").write_bytes(content)
    assert not is_pickle(tmp_path / "weights.bin")


@given(content=st.binary(max_size=300))
def test_no_bytes_break_the_look_at_them(content: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / f"bytes-{os.getpid()}"
    for data in (content, zlib.compress(content), zipped(content)[:-5], gzip.compress(content)[:-9]):
        path.write_bytes(data)
        is_pickle(path)


@pytest.mark.parametrize("allowed", [False, True])
def test_a_pickle_is_refused_unless_the_model_allows_it(shop: Shop, *, allowed: bool) -> None:
    if allowed:
        shop.configure('task = "binary"', 'task = "binary"\nallow_pickle = true')
    made = shop.version(Left(files=(("weights.bin", BARE),)))
    gate = of_audit(made.audit, shop.workspace.config.models["m"])
    assert gate.outcome is (GateOutcome.WARN if allowed else GateOutcome.FAIL)
    assert "a pickle runs code when it is loaded" in gate.detail
    assert not TRIPWIRE.exists(), "it was loaded"


def dumped(tmp_path: Path, model: object) -> Audit:
    skops.io.dump(model, tmp_path / "model.skops")
    return audit(tmp_path)


def test_the_types_of_a_skops_file_are_listed_without_building_them(tmp_path: Path) -> None:
    data = np.arange(20.0).reshape(10, 2)
    labels = data[:, 0] > 8
    found = dumped(tmp_path, make_pipeline(StandardScaler(), LogisticRegression()).fit(data, labels))
    assert (found.format, found.untrusted) == ("skops", ())
    assert found.types >= 3
    tree = dumped(tmp_path, DecisionTreeClassifier().fit(data, labels))
    assert (tree.format, tree.untrusted) == ("skops", ()), "a type of scikit-learn's own, read and found harmless"


def test_a_skops_file_that_names_os_system_fails_and_names_it(tmp_path: Path) -> None:
    found = dumped(tmp_path, FunctionTransformer(os.system))
    assert found.untrusted == ("posix.system",)
    made = artifact_gate_of(found, ModelConfig())
    assert made == (GateOutcome.FAIL, "skops, not trusted: posix.system")
    assert artifact_gate_of(found, ModelConfig(trust=["posix.system"]))[0] is GateOutcome.PASS


def artifact_gate_of(found: Audit, config: ModelConfig) -> tuple[GateOutcome, str]:
    gate = of_audit(found, config)
    return gate.outcome, gate.detail


def test_a_skops_file_that_is_cut_short_never_passes_for_one(tmp_path: Path) -> None:
    skops.io.dump(StandardScaler(), tmp_path / "model.skops")
    path = tmp_path / "model.skops"
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(UsageError, match=r"model\.skops: not a whole skops file"):
        audit(tmp_path)
    path.write_bytes(b"x")
    with pytest.raises(UsageError, match=r"model\.skops: not a whole skops file"):
        audit(tmp_path)
    path.rename(tmp_path / "model.bin")
    assert audit(tmp_path).format == "other"


def test_a_zip_whose_schema_is_no_json_is_refused_in_words(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "model.skops", "w") as archive:
        archive.writestr("schema.json", "{")
    with pytest.raises(UsageError, match="not a whole skops file"):
        audit(tmp_path)


def test_opcodes_without_an_end_cost_neither_time_nor_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import tracemalloc

    path = tmp_path / "op"
    path.write_bytes(b"N" * (24 << 20))
    tracemalloc.start()
    assert not is_pickle(path)
    assert tracemalloc.get_traced_memory()[1] < 16 << 20
    tracemalloc.stop()
    monkeypatch.setattr(opcodes, "MOST", 1000)
    path.write_bytes(b"K\x01" * 2000)
    assert is_pickle(path), "what goes on for ever is not believed"


@pytest.mark.parametrize(
    "schema",
    [
        "[" * 100_000,
        "[]",
        json.dumps({"__class__": "x", "__module__": "os", "__loader__": ["a"], "content": {}, "protocol": 2}),
        json.dumps({"__class__": "x", "__module__": "y", "__loader__": "CachedNode", "__id__": 1, "content": {}}),
        json.dumps({"__class__": "\x1b]52", "__module__": "m", "__loader__": "TypeNode", "__id__": 1, "content": None}),
    ],
)
def test_a_hostile_schema_is_refused_in_words_or_told_as_not_trusted(tmp_path: Path, schema: str) -> None:
    with zipfile.ZipFile(tmp_path / "s.skops", "w") as archive:
        archive.writestr("schema.json", schema)
    with contextlib.suppress(UsageError):  # which is words
        assert audit(tmp_path).untrusted


def test_what_unpacks_to_more_than_is_looked_at_counts_as_a_pickle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bomb").write_bytes(gzip.compress(bytes(4 << 20)))
    assert not is_pickle(tmp_path / "bomb")
    monkeypatch.setattr(pickles, "MOST", 1 << 20)
    assert is_pickle(tmp_path / "bomb")


def test_a_tar_behind_a_hole_is_found(tmp_path: Path) -> None:
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(1 << 20)
        file.seek(1 << 20)
        file.write(taped(BARE))
    assert is_pickle(tmp_path / "sparse")
    (tmp_path / "hole").touch()
    os.truncate(tmp_path / "hole", 1 << 30)
    assert not is_pickle(tmp_path / "hole")
