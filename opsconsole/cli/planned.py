"""A plan in words and as JSON: what would run, why, with what, and what is missing."""

from __future__ import annotations

from typing import Any

from opsconsole.cli.base import emit
from opsconsole.core import text
from opsconsole.core.files import near
from opsconsole.runs.process.sandbox import available
from opsconsole.runs.record.spec import Plan, PlannedStep


def emit_plan(plan: Plan, *, as_json: bool) -> None:
    """Print a plan."""
    emit(plan_json(plan), plan_lines(plan), as_json=as_json)


def plan_json(plan: Plan) -> dict[str, Any]:
    """Return a plan as ``--json`` promises it."""
    return {
        "repo": plan.repo,
        "pipeline": plan.pipeline,
        "kind": plan.kind,
        "commit": plan.commit,
        "branch": plan.branch,
        "ref": plan.owner,
        "asks": list(plan.asks),
        "dirty": plan.dirty,
        "steps": [_step_json(step) for step in plan.steps],
        "services": [{"name": item.name, "run": item.run, "port": item.port} for item in plan.services],
        "parallel": plan.parallel,
        "runner": plan.runner,
        "reason": plan.reason,
        "interpreter": str(plan.interpreter),
        "interpreter_reason": plan.interpreter_reason,
        "environment": dict(plan.environment),
        "secrets": [secret.name for secret in plan.secrets],
        "sandbox": {
            "kind": available().kind if plan.writable is not None else "none",
            "writes": list(plan.writable or ()),
            "words": _sandbox_words(plan),
        },
        "missing": [*plan.missing, *plan.absent],
    }


def plan_lines(plan: Plan) -> list[str]:
    """Return a plan as people read it."""
    python = any("python" in step.run for step in plan.steps)
    return [
        f"{plan.repo}/{plan.pipeline} at {plan.commit[:7]} “{text.clean(plan.subject)}”",
        f"  because  {plan.reason}",
        *([f"  python   {plan.interpreter}: {plan.interpreter_reason}"] if python else []),
        *(f"  service  {item.name}: {text.clean(item.run, limit=100)}" for item in plan.services),
        *(line for step in plan.steps for line in _step_lines(step)),
        f"  sandbox  {_sandbox_words(plan)}",
        *(f"  note     {text.clean(note)}" for note in plan.notes),
        *(f"  missing  {text.clean(problem)}: nothing is started without it" for problem in plan.absent),
    ]


def _sandbox_words(plan: Plan) -> str:
    """Return what confines the steps of a plan, and what they may write besides what is theirs."""
    if plan.writable is None:
        return "none: steps may write what you may"
    also = "".join(f", {text.clean(near(path, plan.root))}" for path in plan.writable)
    return f"{available().detail}; steps write their work tree, out folder, TMPDIR{also}"


def _step_json(step: PlannedStep) -> dict[str, Any]:
    return {
        "name": step.name,
        "run": step.run,
        "needs": list(step.needs),
        "skip": step.skip,
        "if": step.condition,
        "always": step.always,
        "retries": step.retries,
        "timeout_s": step.timeout,
        "silence_s": step.silence,
        "services": list(step.services),
        "cache": None if step.cache is None else step.cache.key,
    }


def _step_lines(step: PlannedStep) -> list[str]:
    marks = [
        f"after {', '.join(step.needs)}" if step.needs else "",
        f"skipped: {step.skip}" if step.skip else "",
        f"if {step.condition}" if step.condition else "",
        "always" if step.always else "",
        f"tried {step.retries + 1} times" if step.retries else "",
        f"with {', '.join(step.services)}" if step.services else "",
        "kept for the same inputs" if step.cache else "",
    ]
    marked = "; ".join(mark for mark in marks if mark)
    first, *rest = text.clean_lines(step.run).splitlines() or [""]
    head = f"  step     {step.name}: {first}"
    return [head, *(f"             {line}" for line in rest), *([f"             ({marked})"] if marked else [])]
