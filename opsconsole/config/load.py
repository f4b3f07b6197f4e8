"""Reading ``opsconsole.toml``: an error names the file, the line, the key, and the nearest right spelling."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import msgspec

from opsconsole.config.metrics import Use, fits, names
from opsconsole.config.quantities import Duration, Size, parse_duration, parse_size
from opsconsole.config.schema import Config, ModelConfig, PipelineConfig
from opsconsole.core import toml
from opsconsole.core.errors import ConfigError
from opsconsole.core.nouns import PipelineKind

FILE_NAME = "opsconsole.toml"
T = TypeVar("T")

_LINE = re.compile(r" \(at line (\d+), column \d+\)$")


def load(path: Path) -> Config:
    """Read and check a configuration file. ConfigError for one that is missing, unreadable or wrong."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ConfigError(f"{path}: there is no such file", hint="opsconsole init writes one") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {error}") from error
    return validated(text, str(path))


def validated(text: str, source: str) -> Config:
    """Check what a configuration file says; ConfigError names the line and the key."""
    config = convert(parse(text, source), Config, text=text, source=source)
    _check_references(config, text, source)
    return config


def parse(text: str, source: str) -> dict[str, Any]:
    """Parse TOML; ConfigError, with its line, for a syntax error."""
    try:
        return toml.loads(text)
    except tomllib.TOMLDecodeError as error:
        at = _LINE.search(str(error))
        message = _LINE.sub("", str(error))
        where = f"{source}:{at[1]}" if at else source
        raise ConfigError(f"{where}: not valid TOML: {message[:1].lower()}{message[1:]}") from error


def convert(data: object, kind: type[T], *, text: str, source: str, prefix: tuple[str, ...] = ()) -> T:
    """Turn parsed TOML into ``kind``; ``text`` and ``prefix`` say where in the file it stood.

    ConfigError for what does not fit.
    """
    try:
        return msgspec.convert(data, kind, strict=True, dec_hook=_decode)
    except msgspec.ValidationError as error:
        from opsconsole.config.config_errors import complaint_of, find_line

        complaint = complaint_of(str(error), data, kind, _decode)
        where = [*prefix, *complaint.keys]
        line = find_line(text, where)
        at = f"{source}:{line}" if line else source
        raise ConfigError(f"{at}: {'.'.join(where) or 'the file'}: {complaint.message}", hint=complaint.hint) from error


def _decode(kind: type, value: object) -> object:
    if kind is Duration:
        return parse_duration(value)
    if kind is Size:
        return parse_size(value)
    raise NotImplementedError(kind)


MODEL_KINDS = frozenset({PipelineKind.TRAIN, PipelineKind.SCORE, PipelineKind.EVALUATE})
"""Pipelines that are about a model."""


class _Reference(NamedTuple):
    keys: list[str]
    kind: str
    wanted: str
    known: list[str]


def _check_references(config: Config, text: str, source: str) -> None:
    """Refuse names that point nowhere, where the schema alone cannot see it."""
    for item in _references(config):
        if item.wanted not in item.known:
            from opsconsole.config.config_errors import find_line, meant

            line = find_line(text, item.keys)
            raise ConfigError(
                f"{source}:{line or 1}: {'.'.join(item.keys)}: {item.kind} `{item.wanted}`",
                hint=meant(item.wanted, item.known, "known"),
            )


def _references(config: Config) -> Iterator[_Reference]:
    models, monitors, repos = list(config.models), list(config.monitors), list(config.repos)
    yield from _of_monitors(config, models, repos)
    for name, model_config in config.models.items():
        for alias in model_config.gates:
            yield _Reference(["models", name, "gates", alias], f"`{name}` has no rung", alias, model_config.ladder)
        yield from _metrics(name, model_config)
    for repo, repo_config in config.repos.items():
        for name, pipeline in repo_config.pipelines.items():
            if pipeline.on.alert is not None:
                keys = ["repos", repo, "pipelines", name, "on", "alert"]
                yield _Reference(keys, "there is no monitor", pipeline.on.alert, monitors)
            if pipeline.kind in MODEL_KINDS and _model_left_open(config, f"{repo}/{name}", pipeline):
                lacks = f"is of kind {pipeline.kind}, and says not which of the models it is about: model ="
                yield _Reference(["repos", repo, "pipelines", name, "model"], lacks, "?", models)
            if pipeline.model is not None:
                keys = ["repos", repo, "pipelines", name, "model"]
                yield _Reference(keys, "there is no model", pipeline.model, models)


def _of_monitors(config: Config, models: list[str], repos: list[str]) -> Iterator[_Reference]:
    for name, monitor in config.monitors.items():
        keys = ["monitors", name, "model"]
        if monitor.rung is not None:
            model, alias = monitor.rung.model, monitor.rung.alias
            yield _Reference(keys, "there is no model", model, models)
            yield _Reference(keys, f"`{model}` has no rung", alias, config.models[model].ladder)
        if monitor.refresh is not None:
            wanted = monitor.refresh.partition("/")[0]
            yield _Reference(["monitors", name, "refresh"], "there is no repo", wanted, repos)


def _model_left_open(config: Config, target: str, pipeline: PipelineConfig) -> bool:
    """Tell whether nothing says which of several models a pipeline is about: it, its alert's monitor, or one it feeds."""
    named = pipeline.model or pipeline.on.alert
    fed = {monitor.watched for monitor in config.monitors.values() if monitor.refresh == target}
    return named is None and len(fed) != 1 and len(config.models) > 1


def _metrics(name: str, model: ModelConfig) -> Iterator[_Reference]:
    """Hold the metrics of a model's gates against what its task has; one that fits is no reference to check."""
    for alias, gates in model.gates.items():
        keys = ["models", name, "gates", alias]
        rules = (
            ("floor", gates.floor, Use.MEASURED, "cannot be measured:"),
            ("not_worse", gates.not_worse, Use.COMPARED, "cannot be compared row by row:"),
        )
        for rule, rule_config, known, word in rules:
            if rule_config is not None and not fits(rule_config.metric, model.task, known):
                subject = f"of a {model.task} model this {word}"
                yield _Reference([*keys, rule, "metric"], subject, rule_config.metric, names(model.task, known))
