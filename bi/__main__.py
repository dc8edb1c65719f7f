"""`python -m bi`: Superset on loopback, which reads the published marts. All its state is in `$TOUCHSTONE_HOME/bi`."""

from __future__ import annotations

import hashlib
import os
import secrets
import sys
from contextlib import redirect_stderr, redirect_stdout
from importlib import metadata
from pathlib import Path

import duckdb

from bi.bundle import bundle
from bi.home import PROJECT, home

ADMIN = "admin"


def main() -> None:
    published = home() / "published" / "touchstone.duckdb"
    if not published.exists():
        sys.exit(f"error: nothing is published in {home()}: `make nightly` does it, `make run` with a sample")
    state = home() / "bi"
    scratch = state / "tmp"
    scratch.mkdir(parents=True, exist_ok=True)
    password = _secret(state / "password", 12)
    _secret(state / "secret_key", 42)
    os.environ.update(
        PYTHONPATH=str(PROJECT),
        # Superset prints many deprecation warnings of its own libraries.
        PYTHONWARNINGS="ignore",
        SUPERSET_CONFIG_PATH=str(PROJECT / "bi" / "superset_config.py"),
        SUPERSET_HOME=str(state),
        TMPDIR=str(scratch),
        TZ=_reporting_timezone(published),
    )
    files = bundle(published, scratch, os.environ.get("TOUCHSTONE_MEMORY_LIMIT", "1600MB"))
    _set_up(state / "set_up", files, password)
    address = f"127.0.0.1:{os.environ.get('PORT', '8088')}"
    print(f"Superset is on http://{address}: user {ADMIN}, password {password}", flush=True)
    gunicorn = str(Path(sys.executable).with_name("gunicorn"))
    options = ["--bind", address, "--threads", "8", "--timeout", "120", "--log-level", "warning", "--no-control-socket"]
    os.execv(gunicorn, [gunicorn, *options, "--worker-tmp-dir", str(scratch), "superset.app:create_app()"])


def _secret(path: Path, size: int) -> str:
    """The random text in a file that only the owner can read; created on the first call."""
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(size))
    return path.read_text()


def _reporting_timezone(published: Path) -> str:
    """The time zone of the marts' days, so that Superset's yesterday is theirs."""
    with duckdb.connect(str(published), read_only=True) as connection:
        newest = "select reporting_timezone from run order by published_at desc nulls last limit 1"
        (zone,) = connection.execute(newest).fetchone() or ("UTC",)
    return str(zone)


def _set_up(stamp: Path, files: dict[str, str], password: str) -> None:
    """Set up Superset's database, roles, administrator and our dashboards, if any of it has changed."""
    wanted = hashlib.blake2b(
        repr((metadata.version("apache-superset"), password, sorted(files.items()))).encode(), digest_size=16
    ).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return
    log = stamp.with_suffix(".log")
    print(f"Setting up Superset, which takes a minute; it writes {log}", flush=True)
    with log.open("w") as lines, redirect_stdout(lines), redirect_stderr(lines):
        _migrate_and_import(files, password)
    stamp.write_text(wanted)


def _migrate_and_import(files: dict[str, str], password: str) -> None:
    # Superset reads its settings when it is imported.
    from flask_migrate import upgrade
    from superset.app import create_app

    with create_app().app_context():
        from superset import appbuilder, security_manager
        from superset.commands.importers.v1.assets import ImportAssetsCommand
        from superset.utils.core import override_user

        upgrade()
        appbuilder.add_permissions(update_perms=True)
        security_manager.sync_role_definitions()
        admin = security_manager.find_user(ADMIN)
        if admin is None:
            role = security_manager.find_role("Admin")
            admin = security_manager.add_user(ADMIN, "Touchstone", "Admin", "admin@localhost", role, password)
        else:
            security_manager.reset_password(admin.id, password)
        with override_user(admin):
            ImportAssetsCommand(files).run()


if __name__ == "__main__":
    main()
