"""The cache key of a step: a digest of all its inputs, each part by name so that a change can be explained."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from opsconsole.core.globs import matches
from opsconsole.core.process import capture
from opsconsole.runs.record.spec import PlannedCache, PlannedStep

VERSION_S = 20.0


@dataclass(frozen=True)
class Wanted:
    """What a step declares of its cache."""

    inputs: tuple[str, ...]
    """Globs of paths of the commit."""
    outputs: tuple[str, ...] = ()
    versions: tuple[str, ...] = ()
    environment: bool = False
    link: bool = False


def with_keys(
    steps: Sequence[PlannedStep],
    wanted: Mapping[str, Wanted],
    blobs: Mapping[str, str],
    path: str,
    variables: str,
    *,
    ask_tools: bool = True,
) -> tuple[PlannedStep, ...]:
    """Return the steps (in the order of execution) with their keys, and each with the environment it works in.

    ``blobs`` are the object names of the commit's files, ``path`` is the PATH of the steps, ``variables`` stands for
    the environment of every step. A need's key decides as well; a need that is not cached decides nothing. Commands that ask
    tools for their version are run only with ``ask_tools``: a repo that was not trusted may have written them.
    """
    done: dict[str, PlannedStep] = {}
    for step in steps:
        needs = [done[need] for need in step.needs if need in done]
        inherited = next((need.environment for need in needs if need.environment is not None), None)
        keyed = replace(step, environment=inherited)
        if step.name in wanted:
            planned = _planned(step, wanted[step.name], needs, blobs, path, variables, ask_tools=ask_tools)
            keyed = replace(keyed, cache=planned, environment=planned.key if planned.environment else inherited)
        done[step.name] = keyed
    return tuple(done[step.name] for step in steps)


def _planned(
    step: PlannedStep,
    wanted: Wanted,
    needs: Sequence[PlannedStep],
    blobs: Mapping[str, str],
    path: str,
    variables: str,
    *,
    ask_tools: bool,
) -> PlannedCache:
    parts = {
        "command": step.run,
        "folder": step.cwd,
        "variables": f"{variables} {step.env}",
        "outputs": " ".join(wanted.outputs),
        "machine": f"{platform.system()} {platform.machine()}",
    }
    parts |= {
        f"version by {command}": _version(command, path) if ask_tools else "not asked" for command in wanted.versions
    }
    parts |= {f"need {need.name}": need.cache.key for need in needs if need.cache is not None}
    inputs = {name: blob for name, blob in blobs.items() if matches(name, wanted.inputs)}
    hasher = hashlib.sha256()
    for name, value in sorted((parts | {f"file {name}": blob for name, blob in inputs.items()}).items()):
        hasher.update(f"{len(name)} {name} {len(value)} {value}\n".encode("utf-8", "surrogateescape"))
    return PlannedCache(
        key=hasher.hexdigest()[:32],
        parts=tuple(sorted(parts.items())),
        inputs=tuple(sorted(inputs.items())),
        outputs=wanted.outputs,
        link=wanted.link,
        environment=wanted.environment,
    )


def _version(command: str, path: str) -> str:
    """Return what a tool says of its version; a tool that is not there says nothing."""
    answer = capture(["/bin/sh", "-c", command], env={"PATH": path, "LC_ALL": "C"}, timeout=VERSION_S, limit=1 << 16)
    return answer.stdout.decode("utf-8", "replace").strip()
