"""Dagster's UI, behind its guard, alone as a service or with the daemon."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread

import uvicorn
import yaml
from dagster import DagsterInstance
from dagster._cli.proxy_server_manager import ProxyServerManager
from dagster._cli.workspace.cli_target import workspace_opts_to_load_target
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import WorkspaceLoadTarget
from dagster._utils.log import configure_loggers
from dagster_shared.cli import WorkspaceOpts
from dagster_webserver import cli
from dagster_webserver.app import create_app_from_workspace_process_context
from dagster_webserver.version import __version__

from touchstone.guard import Guard, read_token
from touchstone.settings import Settings, SettingsMistake

# How long open connections, and the daemon, may take to end.
_GRACE_SECONDS = 5
_DAEMON_SECONDS = 30


class _Server(uvicorn.Server):
    """A server that says where it is once it answers."""

    def __init__(self, config: uvicorn.Config, address: str) -> None:
        super().__init__(config)
        self._address = address

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        print(f"Dagster's UI: {self._address}", flush=True)


def serve(settings: Settings, host: str, port: int, *, with_daemon: bool = False, workspace: Path | None = None) -> int:
    """Serve Dagster's UI until SIGINT or SIGTERM; returns the exit status: 1 if it or the daemon has ended by itself.

    A workspace is Dagster's file that names a server of our definitions. Without it they are loaded here, and a daemon
    beside the UI shares them: they take more memory than UI and daemon together. Raises SettingsMistake for an address
    that can't be listened on.
    """
    for number in (signal.SIGINT, signal.SIGTERM):  # uvicorn has its own, once it serves
        signal.signal(number, signal.default_int_handler)
    token = read_token(settings) if settings.ui_token else None
    try:
        listening = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except (OSError, OverflowError) as error:
        reason = str(getattr(error, "strerror", None) or error).partition(" (while")[0]
        raise SettingsMistake(f"{host} port {port}: {reason}; choose another port with PORT") from None
    configure_loggers(log_level="INFO")
    shown = f"[{host}]" if ":" in host else "127.0.0.1" if host == "0.0.0.0" else host
    address = f"http://{shown}:{port}/" + (f"?token={token}" if token else "")
    try:
        with DagsterInstance.get() as instance:
            instance.optimize_for_webserver(
                cli.DEFAULT_DB_STATEMENT_TIMEOUT, cli.DEFAULT_POOL_RECYCLE, cli.DEFAULT_POOL_MAX_OVERFLOW
            )
            with ExitStack() as stack:
                if with_daemon:
                    workspace = stack.enter_context(_code_server(instance))
                definitions = _definitions(workspace)
                context = stack.enter_context(WorkspaceProcessContext(instance, definitions, version=__version__))
                app = create_app_from_workspace_process_context(context, lifespan=cli._lifespan)
                guarded = Guard(app, settings.ui_hosts, token)
                config = uvicorn.Config(guarded, log_level="warning", timeout_graceful_shutdown=_GRACE_SECONDS)
                server = _Server(config, address)
                if with_daemon:
                    stack.enter_context(_daemon(server, workspace))
                server.run([listening])
    except KeyboardInterrupt:
        return 0
    print(f"error: the {'daemon' if with_daemon else 'server'} has ended; its reason is above", file=sys.stderr)
    return 1


def _definitions(workspace: Path | None = None) -> WorkspaceLoadTarget:
    """Ours, of the package or of the servers that a workspace names."""
    if workspace:
        return workspace_opts_to_load_target(WorkspaceOpts(workspace=[str(workspace)]))
    return workspace_opts_to_load_target(WorkspaceOpts(module_name=["touchstone.definitions"]))


@contextmanager
def _code_server(instance: DagsterInstance) -> Iterator[Path]:
    """A server of our definitions, as `dagster dev` has, and the workspace that names it."""
    with TemporaryDirectory() as folder, ProxyServerManager(instance, _definitions()) as manager:
        workspace = Path(folder, "workspace.yaml")
        workspace.write_text(yaml.safe_dump({"load_from": manager.get_code_server_specs()}))
        yield workspace


@contextmanager
def _daemon(server: uvicorn.Server, workspace: Path | None) -> Iterator[None]:
    """Dagster's daemon beside a server, which ends when the daemon does."""
    daemon = subprocess.Popen([sys.executable, "-m", "touchstone", "daemon", f"--workspace={workspace}"])

    def watch() -> None:
        daemon.wait()
        server.should_exit = True

    Thread(target=watch, daemon=True).start()
    try:
        yield
    finally:
        daemon.terminate()
        try:
            daemon.wait(_DAEMON_SECONDS)
        except subprocess.TimeoutExpired:
            daemon.kill()
