"""A wrong configuration is told with file, line, key, and what was meant."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.config.config_errors import find_line
from opsconsole.config.load import load
from opsconsole.config.quantities import parse_duration
from opsconsole.config.schema import Config, json_schema
from opsconsole.config.workspace import find, locate, open_workspace
from opsconsole.core.errors import ConfigError, ExitCode, NotFoundError
from tests.model_workspace import opsconsole

WHOLE = """
# a comment
[workspace]
name = "whole"
slots = 2

[repos.app]
path = "repos/app"
branches = ["main", "release/*"]
[repos.app.pipelines.train]
kind = "train"
run = "python -m train"
timeout = "20m"
pass = ["TOKEN"]
on = { alert = "watch" }
[repos.app.pipelines.steps]
steps = [
  { name = "one", run = "true", timeout = 90 },
  { name = "two", run = "true", needs = ["one"], tty = true },
]
[repos."with.dot"]
path = "x"

[models.m]
task = "binary"
ladder = ["candidate", "production"]
[models.m.gates.production]
not_worse = { metric = "auc", margin = 0.005 }
floor = { metric = "auc", at_least = 0.65 }
tests = true

[monitors.watch]
model = "m@production"
current = "data/*.parquet"
time = "at"
chunk = "month"
refresh = "app/score"
performance = { metric = "auc", floor = "reference - 0.05", for = 3 }
"""


def complaint(tmp_path: Path, text: str) -> tuple[str, str]:
    """Return what is said of a file, and the hint."""
    path = tmp_path / "opsconsole.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as refused:
        load(path)
    assert refused.value.exit_code is ExitCode.CONFIG
    return refused.value.message.removeprefix(f"{path}"), refused.value.hint


def test_a_whole_file_loads_with_its_defaults(tmp_path: Path) -> None:
    (tmp_path / "opsconsole.toml").write_text(WHOLE, encoding="utf-8")
    workspace = open_workspace(tmp_path)
    config = workspace.config
    assert (workspace.name, config.workspace.slots) == ("whole", 2)
    train = config.repos["app"].pipelines["train"]
    assert (train.timeout, train.pass_env, train.on.alert) == (1200.0, ["TOKEN"], "watch")
    steps = config.repos["app"].pipelines["steps"].steps
    assert (steps[0].timeout, steps[1].needs, steps[1].cwd) == (90.0, ["one"], ".")
    assert workspace.repo_path("app") == (tmp_path / "repos" / "app").resolve()
    performance = config.monitors["watch"].performance
    assert performance is not None
    assert performance.chunks == 3
    assert config.monitors["watch"].least == 450


def test_an_empty_file_is_a_workspace(tmp_path: Path) -> None:
    (tmp_path / "opsconsole.toml").write_text("")
    assert open_workspace(tmp_path).name == tmp_path.name
    assert load(tmp_path / "opsconsole.toml") == Config()


@pytest.mark.parametrize(
    ("old", "new", "line", "key", "said", "hint"),
    [
        ("slots", "slot", 5, "workspace.slot", "there is no key `slot` here", "did you mean `slots`?"),
        ("[workspace]", "[workspce]", 3, "workspce", "there is no key `workspce` here", "did you mean `workspace`?"),
        ('timeout = "20m"', 'timeoot = "20m"', 13, "repos.app.pipelines.train.timeoot", "there is no key", "`timeout`"),
        ('timeout = "20m"', 'timeout = "soon"', 13, "repos.app.pipelines.train.timeout", "not a length of time", "schema"),
        ("timeout = 90", "timeout = 0", 18, "repos.app.pipelines.steps.steps.0.timeout", "not a sensible length", ""),
        ("needs =", "neds =", 19, "repos.app.pipelines.steps.steps.1.neds", "there is no key", "did you mean `needs`?"),
        ('kind = "train"', 'kind = "trian"', 11, "repos.app.pipelines.train.kind", "there is no `trian`", "`train`"),
        ('task = "binary"', 'task = "binry"', 25, "models.m.task", "there is no `binry` here", "did you mean `binary`?"),
        ('task = "binary"', 'task = "x"', 25, "models.m.task", "there is no `x`", "known: binary, multiclass, ranking"),
        ('chunk = "month"', 'chunk = "moth"', 36, "monitors.watch.chunk", "`moth` is not a length", "`month`"),
        ('"m@production"', '"m"', 33, "monitors.watch.model", "`m` is not MODEL@ALIAS", "such as: flights@production"),
        ("slots = 2", "slots = 0", 5, "workspace.slots", "expected `int` >= 1", "config schema"),
        ("slots = 2", 'slots = "2"', 5, "workspace.slots", "expected `int`, got `str`", "config schema"),
        ('metric = "auc", margin', "metrik = 1, margin", 28, "models.m.gates.production.not_worse.metrik", "no key", "`metric`"),
        ("at_least = 0.65", "", 29, "models.m.gates.production.floor", "not valid TOML", ""),
        (", at_least = 0.65", "", 29, "models.m.gates.production.floor", "`at_least` is missing", "known keys: at_least"),
        ('run = "python -m train"', "", 10, "repos.app.pipelines.train", "needs either `run`", ""),
        ('path = "repos/app"', "path = 1", 8, "repos.app.path", "expected `str`, got `int`", ""),
        ('branches = ["main", "release/*"]', "branches = 1", 9, "repos.app.branches", "expected a list, got `int`", ""),
        ("[repos.app]", '[repos."a b"]', 7, "repos.a b", "`a b` is no name", "a name is letters, digits"),
        ("pipelines.train", 'pipelines."[/]"', 10, "repos.app.pipelines.[/]", "`[/]` is no name", "a name is"),
        ('"candidate", "production"', '"b a"', 26, "models.m.ladder.0", "`b a` is not letters", ""),
        ('ladder = ["candidate", "production"]', "ladder = []", 26, "models.m.ladder", "expected a list of length >= 1", ""),
        ("m@production", "n@production", 33, "monitors.watch.model", "there is no model `n`", "known: m"),
        ("m@production", "m@prodction", 33, "monitors.watch.model", "`m` has no rung `prodction`", "did you mean `production`?"),
        ("gates.production", "gates.produktion", 27, "models.m.gates.produktion", "`m` has no rung", "`production`"),
        ('alert = "watch"', 'alert = "wach"', 15, "repos.app.pipelines.train.on.alert", "no monitor `wach`", "`watch`"),
        ('refresh = "app/', 'refresh = "ap/', 37, "monitors.watch.refresh", "there is no repo `ap`", "did you mean `app`?"),
    ],
)  # fmt: skip
def test_a_typo_is_told_with_line_key_and_what_was_meant(
    tmp_path: Path, old: str, new: str, line: int, key: str, said: str, hint: str
) -> None:
    assert old in WHOLE
    message, told = complaint(tmp_path, WHOLE.replace(old, new, 1))
    if said == "not valid TOML":
        assert message.startswith(f":{line}: not valid TOML")
        return
    assert message.startswith(f":{line}: {key}: ")
    assert said in message
    assert hint in told


def test_the_entry_that_is_wrong_is_named_among_many(tmp_path: Path) -> None:
    repos = "".join(
        f'[repos.r{number}]\npath = "x"\n[repos.r{number}.pipelines.p]\nrun = "x"\ntimeout = {"9" if number != 7 else "-9"}\n'
        for number in range(12)
    )
    message, _ = complaint(tmp_path, repos)
    assert message.startswith(":40: repos.r7.pipelines.p.timeout: ")


def test_a_syntax_error_names_its_line(tmp_path: Path) -> None:
    message, _ = complaint(tmp_path, WHOLE.replace("slots = 2", "slots = "))
    assert message == ":5: not valid TOML: invalid value"


def test_what_is_no_text_or_not_there_is_refused_in_words(tmp_path: Path) -> None:
    path = tmp_path / "opsconsole.toml"
    with pytest.raises(ConfigError, match="there is no such file"):
        load(path)
    path.write_bytes(b"name = '\xff'")
    with pytest.raises(ConfigError, match="can't decode byte 0xff"):
        load(path)
    path.unlink()
    path.mkdir()
    with pytest.raises(ConfigError, match="Is a directory"):
        load(path)


def said_of(path: Path) -> str | None:
    try:
        load(path)
    except ConfigError as error:
        return error.message
    return None


@given(st.text(max_size=200))
def test_no_text_breaks_the_loader(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "any.toml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    assert said_of(path) is None or str(path) in str(said_of(path))


@given(st.sampled_from(WHOLE.splitlines()), st.sampled_from(["", "1", "x = 1", "[a]", "[[b]]", '"', "x.y.z = {}"]))
def test_no_damaged_line_breaks_the_loader(tmp_path_factory: pytest.TempPathFactory, line: str, instead: str) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.toml"
    path.write_text(WHOLE.replace(line, instead, 1))
    assert said_of(path) is None or str(path) in str(said_of(path))


def test_the_line_of_a_repeated_table_is_its_own(tmp_path: Path) -> None:
    head = '[repos.a]\npath = "x"\n'
    step = '[[repos.a.pipelines.p.steps]]\nname = "s"\nrun = "x"\n'
    message, _ = complaint(tmp_path, head + step + step.replace("run", "rnu") + step)
    assert message.startswith(":8: repos.a.pipelines.p.steps.1.rnu: ")


def test_every_key_of_a_file_is_found_in_its_line() -> None:
    import tomllib

    lines = WHOLE.splitlines()
    for key, table in tomllib.loads(WHOLE).items():
        for name, value in table.items():
            number = find_line(WHOLE, [key, name])
            assert number is not None
            assert name in lines[number - 1] or isinstance(value, dict)
    assert find_line(WHOLE, ["nothing"]) is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("20m", 1200), ("2h", 7200), ("1d", 86400), ("1w", 604800), ("1h30m", 5400), ("1.5h", 5400),
     (" 2 h ", 7200), ("2H", 7200), (90, 90), (0.5, 0.5)],
)  # fmt: skip
def test_durations_are_read_as_people_write_them(text: object, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "soon", "2 hours", "-1s", "0s", "h", "1e9w", "99999999w", 0, -1, True, None, [], "2h!"]
)
def test_what_is_no_duration_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="not a "):
        parse_duration(text)


def test_the_schema_names_every_key_and_accepts_what_loads() -> None:
    schema = json_schema()
    text = msgspec.json.encode(schema).decode()
    for key in (
        "slots",
        "pipelines",
        "ladder",
        "not_worse",
        "at_least",
        "refresh",
        '"for"',
        '"pass"',
        "least",
        "trust",
    ):
        assert key in text
    assert '"additionalProperties":false' in text


def test_the_workspace_is_the_nearest_folder_up_or_the_one_that_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    monkeypatch.chdir(inner)
    assert locate() is None
    with pytest.raises(NotFoundError) as missing:
        find()
    assert "opsconsole init" in missing.value.hint
    (tmp_path / "opsconsole.toml").write_text("")
    assert locate() == tmp_path
    (tmp_path / "a" / "opsconsole.toml").write_text('[workspace]\nname = "a"')
    assert find().name == "a"
    monkeypatch.setenv("OPSCONSOLE_WORKSPACE", str(tmp_path))
    assert find().root == tmp_path
    assert locate(inner) == tmp_path / "a", "what is named on the command line wins"


def test_the_cli_says_3_with_file_line_and_key(tmp_path: Path) -> None:
    (tmp_path / "opsconsole.toml").write_text('[workspace]\nnaem = "x"\n')
    for words in (("config", "validate"), ("status",), ("config", "show")):
        said = opsconsole(tmp_path, *words, "--json")
        assert said.code == 3
        assert said.json == {
            "error": {
                "code": "config",
                "message": f"{tmp_path}/opsconsole.toml:2: workspace.naem: there is no key `naem` here",
                "hint": "did you mean `name`?",
            }
        }


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('[workspace]\nname = "x"\n\n[modles.flights]\ntask = "binary"\n', 4),
        ("# a comment\n[workspace]\n[modles.flights.gates.production]\ntests = true\n", 3),
        ('[workspace]\nname = "x"\n[modles]\nflights.task = "binary"\n', 3),
    ],
)
def test_a_typo_in_the_name_of_a_table_has_its_line(tmp_path: Path, text: str, line: int) -> None:
    file = tmp_path / "opsconsole.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as raised:
        load(file)
    assert f"{file}:{line}: modles: there is no key `modles` here" in raised.value.message
    assert raised.value.hint == "did you mean `models`?"
