"""From pipelines to ordered steps: pure, so that what would run can be shown, tested and argued about."""

from __future__ import annotations

import difflib
import re
import shlex
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import msgspec

from opsconsole.config.schema import PipelineConfig, StepConfig
from opsconsole.core.errors import ConfigError, NotFoundError
from opsconsole.core.globs import literal, problem
from opsconsole.runs.plan.cache_keys import Wanted
from opsconsole.runs.plan.matrix import Variant, expand, needed_by
from opsconsole.runs.record.spec import PlannedService, PlannedStep
from opsconsole.testrunners.detection import Detection

DETECTED = "build"
"""The pipeline that a repo has without saying so."""
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=.*")
_BUILT_IN = frozenset(
    [
        ".",
        ":",
        "[",
        "alias",
        "break",
        "case",
        "cd",
        "command",
        "continue",
        "echo",
        "eval",
        "exec",
        "exit",
        "export",
        "false",
        "for",
        "if",
        "printf",
        "pwd",
        "read",
        "return",
        "set",
        "shift",
        "test",
        "times",
        "trap",
        "true",
        "type",
        "ulimit",
        "umask",
        "unset",
        "until",
        "wait",
        "while",
        "{",
        "(",
        "!",
    ]
)


@dataclass(frozen=True)
class Choice:
    """The pipeline that was asked for, and where it stands."""

    name: str
    pipeline: PipelineConfig
    source: str
    """Which file holds it, or what was detected."""
    runner: str | None = None
    detection: Detection | None = None
    """What it was made of, when no file says it."""


def choose(
    repo: str,
    wanted: str | None,
    sources: Sequence[tuple[str, Mapping[str, PipelineConfig]]],
    detections: list[Detection],
) -> Choice:
    """Return the pipeline to run; the first source that has the name wins, the detected ``build`` comes last.

    ``wanted`` None: ``build``, else the only pipeline there is. NotFoundError names the nearest right spelling.
    """
    choices: dict[str, Choice] = {}
    for source, pipelines in sources:
        for name, pipeline in pipelines.items():
            choices.setdefault(name, Choice(name, pipeline, source))
    if detections:
        best, *others = detections
        also = f"; also fits: {', '.join(other.runner for other in others)}" if others else ""
        steps = [StepConfig(name=step.name, run=step.run, cwd=step.cwd) for step in best.steps]
        steps[-1] = msgspec.structs.replace(steps[-1], reports=list(best.reports))
        pipeline = PipelineConfig(steps=steps)
        choice = Choice(
            DETECTED,
            pipeline,
            f"{best.runner}, because of {best.reason}{also}",
            runner=best.runner if best.counted else None,
            detection=best,
        )
        choices.setdefault(DETECTED, choice)
    if wanted is None and DETECTED not in choices and len(choices) == 1:
        return next(iter(choices.values()))
    name = wanted or DETECTED
    if name in choices:
        return choices[name]
    near = difflib.get_close_matches(name, list(choices), n=1, cutoff=0.5)
    if near:
        hint = f"did you mean {near[0]!r}?"
    elif choices:
        hint = f"known: {', '.join(sorted(choices))}"
    else:
        hint = f"no test runner was detected; write [repos.{repo}.pipelines.{name}] in opsconsole.toml"
    raise NotFoundError(f"repo {repo} has no pipeline {name!r} at this commit", hint=hint)


def ordered_steps(choice: Choice) -> tuple[PlannedStep, ...]:
    """Return a pipeline's steps and their variants, each after all that it needs, otherwise as they were written.

    When no step says what it needs, each needs the one before. ConfigError on a need that is unknown or goes in a ring,
    on a service or secret that is not declared.
    """
    pipeline = choice.pipeline
    steps = pipeline.steps or [_only_step(choice)]
    names = [step.name for step in steps]
    where = f"{choice.source}: pipelines.{choice.name}"
    variants = expand(steps, pipeline, where)
    chained = len(steps) > 1 and not any(step.needs for step in steps)
    planned = []
    for variant in variants:
        position = names.index(variant.step.name)
        needs = [names[position - 1]] if chained and position else variant.step.needs
        for need in needs:
            _require(need, names, f"{where}: step {variant.step.name!r} needs {need!r}, which is not there", "steps")
        for service in variant.step.services:
            message = f"{where}: step {variant.step.name!r} wants service {service!r}, which is not there"
            _require(service, list(pipeline.services), message, "services")
        planned.append(_planned(variant, needed_by(variant, needs, variants), pipeline, where))
    return _after_needs(planned, where)


def planned_services(pipeline: PipelineConfig) -> tuple[PlannedService, ...]:
    """Return the services that a pipeline declares."""
    return tuple(
        PlannedService(
            name, item.run, item.port, item.ready, float(item.timeout), item.cwd, tuple(sorted(item.env.items()))
        )
        for name, item in pipeline.services.items()
    )


def wanted_caches(choice: Choice, steps: Sequence[PlannedStep]) -> dict[str, Wanted]:
    """Return what each planned step declares of its cache, by name."""
    if choice.detection is not None:
        return {
            step.name: Wanted(
                tuple(literal(path) for path in step.inputs),
                step.outputs,
                step.versions,
                environment=step.environment,
                link=True,
            )
            for step in choice.detection.steps
            if step.inputs or step.environment
        }
    pipeline = choice.pipeline
    declared = {step.name: step.cache for step in pipeline.steps if step.cache is not None}
    caches = {}
    for step in steps:
        cache = declared.get(step.name) or declared.get(step.name.partition(".")[0])
        if cache is not None:
            caches[step.name] = Wanted(tuple(cache.inputs), tuple(cache.outputs), tuple(cache.versions))
    return caches


def _only_step(choice: Choice) -> StepConfig:
    pipeline = choice.pipeline
    return StepConfig(
        name=choice.name,
        run=pipeline.run or "",
        tty=pipeline.tty,
        retries=pipeline.retries,
        artifacts=pipeline.artifacts,
        reports=pipeline.reports,
        services=list(pipeline.services),
    )


def _require(name: str, known: Sequence[str], message: str, kind: str) -> None:
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}?" if near else f"{kind}: {', '.join(known) or 'none'}"
        raise ConfigError(message, hint=hint)


def _planned(variant: Variant, needs: tuple[str, ...], pipeline: PipelineConfig, where: str) -> PlannedStep:
    step = variant.step
    cwd = PurePosixPath(step.cwd)
    if cwd.is_absolute() or ".." in cwd.parts:
        raise ConfigError(
            f"{where}: step {step.name!r}: cwd {step.cwd!r} leaves the work tree", hint="name a folder in it"
        )
    _check_patterns(step, where)
    silence = step.silence or pipeline.silence
    return PlannedStep(
        name=variant.name,
        run=step.run,
        needs=needs,
        timeout=None if step.timeout is None else float(step.timeout),
        silence=None if silence is None else float(silence),
        retries=step.retries,
        cwd=step.cwd,
        env=tuple(sorted((step.env | variant.variables).items())),
        tty=step.tty,
        condition=step.condition if isinstance(step.condition, str) else None,
        always=step.always,
        services=tuple(step.services),
        secrets=tuple(dict.fromkeys([*pipeline.secrets, *step.secrets])),
        artifacts=tuple(step.artifacts),
        reports=tuple(step.reports),
        out=variant.name if variant.values else "",
    )


def _check_patterns(step: StepConfig, where: str) -> None:
    """ConfigError for what is to be kept of the work tree, and names nothing in it."""
    for key, patterns in (("artifacts", step.artifacts), ("reports", step.reports)):
        for pattern in patterns:
            wrong = problem(pattern)
            if wrong is not None:
                raise ConfigError(f"{where}: step {step.name!r}: {key}: {pattern!r}: {wrong}")
    for output in step.cache.outputs if step.cache is not None else ():
        wrong = problem(literal(output.removeprefix("$OPSCONSOLE_OUT/").rstrip("/")))
        if wrong is not None:
            raise ConfigError(f"{where}: step {step.name!r}: cache.outputs: {output!r}: {wrong}")


def _after_needs(steps: list[PlannedStep], where: str) -> tuple[PlannedStep, ...]:
    left, done, ordered = list(steps), set[str](), list[PlannedStep]()
    while left:
        ready = next((step for step in left if done.issuperset(step.needs)), None)
        if ready is None:
            ring = ", ".join(step.name for step in left)
            raise ConfigError(f"{where}: these steps wait for each other: {ring}", hint="take one `needs` away")
        left.remove(ready)
        done.add(ready.name)
        ordered.append(ready)
    return tuple(ordered)


def missing_programs(steps: tuple[PlannedStep, ...], path: str) -> tuple[str, ...]:
    """Return the programs that the steps start with and PATH does not have.

    Only what a plain first word says: a shell construct may be right in ways that reading it does not show.
    """
    missing: list[str] = []
    for step in steps:
        program = _program(step.run)
        if program and program not in missing and shutil.which(program, path=path) is None:
            missing.append(program)
    return tuple(missing)


def _program(run: str) -> str | None:
    lines = [line for line in run.splitlines() if line.strip() and not line.strip().startswith("#")]
    try:
        words = shlex.split(lines[0]) if lines else []
    except ValueError:
        return None
    word = next((word for word in words if not _ASSIGNMENT.fullmatch(word)), None)
    if word is None or word in _BUILT_IN or re.search(r"[/$`(){};|&<>*]", word):
        return None
    return word
