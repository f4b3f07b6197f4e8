"""What a monitor lacks is told before its first check, and in a read-only session no program runs for any answer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from opsconsole.cli.root import run
from opsconsole.config.workspace import open_workspace
from opsconsole.core.nouns import Digest
from opsconsole.lifecycle.monitors.monitor_needs import lacks
from opsconsole.store.baselines import record_predictions
from tests.model_workspace import ROWS, Shop

MONITOR = """
[monitors.m]
model = "m@production"
current = "data/production.csv"
time = "t"
label = "y"
chunk = "day"
performance = { metric = "auc", floor = 0.6 }
"""


@pytest.fixture
def watched(shop: Shop) -> Shop:
    """A shop with a monitor, and rows of January 2026 that have everything."""
    (shop.root / "data").mkdir(exist_ok=True)
    rows(shop, "row_id,t,a,b,y,score")
    lines = [f"r{number},2025-12-01T00:00:00,{number / 7},x" for number in range(ROWS)]
    (shop.root / "data" / "evaluation.csv").write_text("\n".join(["row_id,t,a,b", *lines]))
    with (shop.root / "opsconsole.toml").open("a") as file:
        file.write(MONITOR)
    shop.workspace = open_workspace(shop.root)
    return shop


def rows(shop: Shop, names: str) -> None:
    made = {"row_id": "p{0}", "t": "2026-01-{1:02d}T00:00:00", "a": "{2}", "b": "x", "y": "{3}", "score": "0.{4}"}
    lines = [
        ",".join(made[name].format(one, one % 28 + 1, one / 7, one % 2, one % 9) for name in names.split(","))
        for one in range(2000)
    ]
    (shop.root / "data" / "production.csv").write_text("\n".join([names, *lines]))


def told(shop: Shop) -> dict[str, str]:
    return {one.key: one.detail for one in lacks(shop.workspace, shop.store)}


def test_a_monitor_that_has_everything_lacks_nothing(watched: Shop) -> None:
    watched.live(1)
    assert told(watched) == {}


def test_columns_that_current_rows_lack_are_told_by_key_with_what_they_are_for(watched: Shop) -> None:
    watched.live(1)
    rows(watched, "a,b")
    assert set(told(watched)) == {"time", "score"}
    assert 'no pipeline of kind "score" brings scores' in told(watched)["score"]
    with watched.store.immediate() as connection:
        record_predictions(
            connection, model="m", version=1, run_id=1, path="p", file_digest=Digest("sha256:" + "0" * 64), rows=1
        )
    assert set(told(watched)) == {"time", "id"}
    assert "scores are joined by it" in told(watched)["id"]


def test_a_version_without_evaluated_rows_or_none_at_all_is_told(watched: Shop) -> None:
    assert set(told(watched)) == {"model"}
    watched.version(change=lambda out: (out / "data.json").unlink())
    watched.configure("m@production", "m@candidate")
    assert set(told(watched)) == {"reference"}
    assert "name a file" in told(watched)["reference"]


def test_evaluated_rows_without_the_id_and_a_reference_without_labels_are_told(watched: Shop) -> None:
    watched.live(1)
    (watched.root / "data" / "evaluation.csv").write_text("key,a,b\n1,2,x\n")
    assert set(told(watched)) == {"id"}
    watched.configure("floor = 0.6", 'floor = "reference - 0.05"')
    watched.configure('time = "t"', 'time = "t"\nreference = "data/evaluation.csv"')
    assert set(told(watched)) == {"label", "score"}
    watched.configure('label = "y"\n', "")
    assert "performance is measured on labels" in told(watched)["label"]
    watched.configure("data/production.csv", "data/absent.csv")
    assert "there is no such data file" in told(watched)["current"]


def test_config_validate_says_what_lacks_and_makes_no_store(
    watched: Shop, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    rows(watched, "row_id,t,a")
    assert run(["-C", str(watched.root), "config", "validate", "--json"]) == 0
    found = json.loads(capfdbinary.readouterr().out)
    assert (found["valid"], [one["key"] for one in found["lacks"]]) == (True, ["model", "score"])
    assert run(["-C", str(watched.root), "config", "validate"]) == 0
    assert b"monitors.m.score: data/production.csv has no column `score`" in capfdbinary.readouterr().out
    bare = tmp_path / "bare"
    bare.mkdir()
    (bare / "opsconsole.toml").write_text((watched.root / "opsconsole.toml").read_text())
    assert run(["-C", str(bare), "config", "validate"]) == 0
    assert not (bare / ".opsconsole").exists()


@pytest.mark.parametrize("question", [["replay", "m"], ["explain", "m"], ["check", "m"], ["check", "m", "--data"]])
@pytest.mark.parametrize("key", ["current", "reference"])
def test_a_read_only_session_runs_no_program(
    watched: Shop, capfdbinary: pytest.CaptureFixture[bytes], question: list[str], key: str
) -> None:
    watched.live(1)
    where = ["-C", str(watched.root)]
    assert run([*where, "drift", "check", "m"]) in {0, 1}
    made, shown = watched.root / "made", watched.root / "data" / f"{key}.csv"
    shown.write_bytes((watched.root / "data" / "production.csv").read_bytes())
    program = f"command:sh -c 'touch {made}; cat {shown}'"
    line = f'current = "{program}"' if key == "current" else f'reference = "{program}"'
    watched.configure(
        'current = "data/production.csv"', line if key == "current" else f'current = "data/production.csv"\n{line}'
    )
    capfdbinary.readouterr()
    arguments = [*question, program] if question[-1] == "--data" else question
    code = run([*where, "--readonly", "drift", *arguments, "--json"])
    stored = key == "current" and question == ["replay", "m"]  # the baseline of the check before answers
    assert code == (0 if stored else 6)
    assert stored or b"read-only" in capfdbinary.readouterr().out
    assert not made.exists()


def test_a_read_only_comparison_runs_no_program(watched: Shop, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    made, file = watched.root / "made", str(watched.root / "data" / "production.csv")
    for sides in ([f"command:touch {made}", file], [file, f"command:touch {made}"]):
        assert run(["--readonly", "drift", "compare", *sides, "--by", "b", "--json"]) == 6
        assert json.loads(capfdbinary.readouterr().out)["error"]["code"] == "refused"
    assert not made.exists()
