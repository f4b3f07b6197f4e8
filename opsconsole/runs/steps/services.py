"""Services that steps need (a database, a server): started before the first such step, stopped after the last.

Standard library only. Ready is who answers on its port or whose own check says so; one that ends or is too slow fails
the steps that need it, with the reason.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from opsconsole.core import umask
from opsconsole.core.errors import OpsconsoleError
from opsconsole.runs.record.spec import PlannedService, PlannedStep
from opsconsole.runs.steps.command import SHELL
from opsconsole.runs.steps.handle import StepHandle

LOCAL = "127.0.0.1"
ANSWER_S = 0.2


class ServiceState(StrEnum):
    """Where a service stands."""

    STARTING = "starting"
    READY = "ready"
    FAILED = "failed"
    STOPPING = "stopping"
    STOPPED = "stopped"


@dataclass
class Service:
    """One service at work."""

    plan: PlannedService
    port: int | None
    handle: StepHandle
    environment: dict[str, str]
    cwd: Path
    since: float
    state: ServiceState = ServiceState.STARTING
    problem: str = ""
    check: subprocess.Popen[bytes] | None = None


Start = Callable[[PlannedService, dict[str, str]], tuple[StepHandle, dict[str, str], Path]]
"""Start a service with these variables besides the run's; return its handle, its environment and its folder."""


class Services:
    """All services of a run."""

    def __init__(self, planned: tuple[PlannedService, ...], start: Start) -> None:
        self._planned = {service.name: service for service in planned}
        self._start = start
        self.running: dict[str, Service] = {}

    def ready(self, step: PlannedStep) -> bool | str:
        """Return whether all that a step needs is ready, or why it never will be; what is not there yet is started."""
        waiting = False
        for name in step.services:
            service = self.running.get(name)
            if service is None:
                problem = self._begin(self._planned[name])
                if problem:
                    return problem
                waiting = True
            elif service.state in {ServiceState.FAILED, ServiceState.STOPPED}:
                return f"service {name}: {service.problem or 'it is over'}"
            else:
                waiting |= service.state is not ServiceState.READY
        return not waiting

    def variables(self) -> dict[str, str]:
        """Return the variables that tell steps where each service listens."""
        return {
            f"OPSCONSOLE_PORT_{_variable(name)}": str(service.port)
            for name, service in self.running.items()
            if service.port is not None
        }

    def look(self) -> None:
        """See who became ready, who died, and who takes too long."""
        for service in self.running.values():
            service.handle.hear()
            end = service.handle.end
            if end is not None and service.state is not ServiceState.STOPPED:
                asked = service.state is ServiceState.STOPPING
                service.problem = "" if asked else f"it ended by itself ({_ending(end.exit_code, end.note)})"
                service.state = ServiceState.STOPPED if asked else ServiceState.FAILED
            elif service.state is ServiceState.STARTING:
                self._look_at(service)

    def stop_unneeded(self, left: list[PlannedStep]) -> None:
        """Stop every service that no step of those left needs."""
        needed = {name for step in left for name in step.services}
        for name, service in self.running.items():
            if name not in needed and service.state in {ServiceState.STARTING, ServiceState.READY}:
                service.state = ServiceState.STOPPING
                service.handle.ask_to_end()

    def kill(self) -> None:
        """Ask again: who was asked before is killed."""
        for service in self.running.values():
            if service.handle.end is None:
                service.handle.ask_to_end()

    @property
    def over(self) -> bool:
        """Whether nothing of them is at work."""
        return all(service.handle.end is not None for service in self.running.values())

    def checks(self) -> list[subprocess.Popen[bytes]]:
        """Return the checks at work, our children: whoever collects ended ones must leave these to themselves."""
        return [service.check for service in self.running.values() if service.check is not None]

    def problems(self) -> list[str]:
        """Return what went wrong with any of them."""
        return [f"service {name}: {service.problem}" for name, service in self.running.items() if service.problem]

    def _begin(self, planned: PlannedService) -> str:
        port = planned.port
        if port == 0:
            port = _free_port()
        elif port is not None and _answers(port):
            return f"service {planned.name}: port {port} is taken by another program"
        variables = {} if port is None else {"PORT": str(port)}
        try:
            handle, environment, cwd = self._start(planned, variables)
        except OpsconsoleError as error:
            return f"service {planned.name}: {error.message}"
        self.running[planned.name] = Service(planned, port, handle, environment, cwd, time.monotonic())
        return ""

    def _look_at(self, service: Service) -> None:
        planned = service.plan
        if self._checked(service) if planned.ready is not None else service.port is None or _answers(service.port):
            service.state = ServiceState.READY
        elif time.monotonic() - service.since > planned.timeout:
            what = planned.ready or f"port {service.port}"
            service.problem = f"it was not ready within {planned.timeout:g} s ({what})"
            service.state = ServiceState.FAILED
            service.handle.ask_to_end()
            if service.check is not None:
                service.check.kill()

    @staticmethod
    def _checked(service: Service) -> bool:
        """Run the service's own check, without waiting for it; True once it ended with 0."""
        if service.check is None:
            try:
                service.check = subprocess.Popen(
                    [SHELL, "-ec", service.plan.ready or "true"],
                    cwd=service.cwd,
                    env=service.environment,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    start_new_session=True,
                    umask=umask.operators(),
                )
            except BlockingIOError:  # no room for a process just now: the next look asks again
                return False
        code = service.check.poll()
        if code is not None:
            service.check = None
        return code == 0


def _answers(port: int) -> bool:
    try:
        import socket

        with socket.create_connection((LOCAL, port), timeout=ANSWER_S):
            return True
    except OSError:
        return False


def _free_port() -> int:
    import socket  # most runs have no service

    with socket.socket() as probe:
        probe.bind((LOCAL, 0))
        return int(probe.getsockname()[1])


def _variable(name: str) -> str:
    return "".join(letter if letter.isalnum() else "_" for letter in name).upper()


def _ending(code: int | None, note: str | None) -> str:
    return note or (f"exit {code}" if code is not None else "unknown")
