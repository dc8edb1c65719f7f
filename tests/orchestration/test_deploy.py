"""deploy/ and docs/deploy.md: what can run here runs, and the rest is checked against its rules."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from touchstone.settings import PROJECT

from .servers import free_port, postgres_server, until
from .test_alerts import Servers, servers  # noqa: F401

DEPLOY = PROJECT / "deploy"
PAGE = (PROJECT / "docs" / "deploy.md").read_text()
BIN = Path(sys.executable).parent
NOWHERE = '{"mailgun/events": "nowhere://bucket"}'


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions with their arguments."""
    text = re.sub(r"^\s*#.*\n", "", (DEPLOY / "Dockerfile").read_text(), flags=re.MULTILINE)
    return [(line.split()[0], line.split(maxsplit=1)[1]) for line in text.replace("\\\n", "").splitlines() if line]


def copied() -> list[str]:
    """What the Dockerfile copies of the checkout."""
    sources = [shlex.split(rest)[:-1] for name, rest in instructions() if name == "COPY" and "--from" not in rest]
    return [source for each in sources for source in each]


def blocks(section: str) -> list[str]:
    """The commands of a section of the page."""
    (text,) = re.findall(rf"^## {re.escape(section)}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    return re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    return found


def locked(path: Path) -> dict[str, str]:
    return dict(re.findall(r"^([\w.-]+)==([^\s;]+)", path.read_text(), re.MULTILINE))


def test_the_dockerfile_keeps_the_rules() -> None:
    images = [rest.split()[0] for name, rest in instructions() if name == "FROM"]
    images += [service["image"] for service in compose()["services"].values()]
    assert all(re.search(r":[\w.-]*\d", image) for image in images), "a tag with a version"
    users = [rest for name, rest in instructions() if name == "USER"]
    assert users[-1:] == ["10001:10001"]
    installs = [rest for name, rest in instructions() if name == "RUN" and "pip install" in rest]
    assert all("--require-hashes" in rest or "--no-deps --no-build-isolation" in rest for rest in installs)
    given = " ".join(rest for name, rest in instructions() if name in ("ENV", "ARG"))
    assert not re.search("password|secret|token|key|url", given, re.IGNORECASE)
    assert [name for name, _ in instructions()].count("HEALTHCHECK") == 1
    assert "ENTRYPOINT" not in [name for name, _ in instructions()], "the chart's arguments begin with a program"


def test_hadolint_finds_nothing_in_the_dockerfile() -> None:
    linter = BIN / "hadolint"
    if not linter.exists():
        pytest.skip("hadolint is not installed: its package has no build for this machine")
    result = subprocess.run([linter, DEPLOY / "Dockerfile"], capture_output=True, text=True)
    assert (result.returncode, result.stdout) == (0, ""), result


def test_the_image_gets_all_that_the_package_needs(tmp_path: Path) -> None:
    allowed = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
    names: dict[str, list[str]] = {}
    for kind, folder in (("checkout", PROJECT), ("image", tmp_path / "build")):
        if kind == "image":
            for source in copied():
                assert f"!{source}" in allowed, source
                target = folder / source
                target.parent.mkdir(parents=True, exist_ok=True)
                if (PROJECT / source).is_dir():
                    ignored = shutil.ignore_patterns("__pycache__", *["orchestration"] * (source == "tests"))
                    shutil.copytree(PROJECT / source, target, ignore=ignored)
                else:
                    shutil.copy(PROJECT / source, target)
        command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / kind)]
        subprocess.run(command, cwd=folder, check=True)
        (wheel,) = (tmp_path / kind).iterdir()
        names[kind] = sorted(zipfile.ZipFile(wheel).namelist())
    assert names["image"] == names["checkout"]


def test_the_image_has_the_versions_that_are_tested() -> None:
    ours, all_of_them = locked(DEPLOY / "requirements.lock"), locked(PROJECT / "requirements.lock")
    assert ours.items() <= all_of_them.items()
    of_extras = {"adbc-driver-postgresql", "adlfs", "dagster-postgres", "gcsfs", "s3fs"}
    assert {*of_extras, "dagster-webserver", "hatchling"} < ours.keys()
    assert not {"touchstone", "pytest", "mypy", "dlt", "playwright"} & ours.keys()
    requirements = (DEPLOY / "requirements.lock").read_text().count("==")
    assert requirements <= (DEPLOY / "requirements.lock").read_text().count("--hash=sha256:")


def test_the_compose_file_is_one_by_the_specification() -> None:
    command = ["-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(DEPLOY / "compose.yaml")]
    result = subprocess.run([sys.executable, *command], capture_output=True, text=True)
    assert result.returncode == 0, result.stdout
    services = compose()["services"]
    assert {name for name, service in services.items() if "healthcheck" in service} == {"daemon", "postgres"}
    used = set(re.findall(r"\$\{(\w+)", (DEPLOY / "compose.yaml").read_text()))
    assert used == {"POSTGRES_PASSWORD"}, "each is in the example"
    assert f"\n{used.pop()}=\n" in (DEPLOY / "touchstone.env.example").read_text()


def test_the_configuration_for_postgresql_is_ours_but_for_the_storage() -> None:
    ours = yaml.safe_load((PROJECT / "orchestration" / "touchstone" / "dagster.yaml").read_text())
    theirs = yaml.safe_load((DEPLOY / "dagster.yaml").read_text())
    del ours["event_log_storage"]
    assert theirs.pop("storage") == {"postgres": {"postgres_url": {"env": "DAGSTER_POSTGRES_URL"}}}
    assert theirs == ours


def test_the_values_of_the_chart_go_with_the_image() -> None:
    values = yaml.safe_load((DEPLOY / "helm-values.yaml").read_text())
    (deployment,) = values["dagster-user-deployments"]["deployments"]
    claim, webserver, service = values["extraManifests"]
    tag = compose()["services"]["webserver"]["image"].partition(":")[2]
    assert (deployment["image"]["tag"], f'version = "{tag}"' in (PROJECT / "pyproject.toml").read_text()) == (tag, True)
    assert deployment["volumes"][0]["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]
    assert deployment["podSecurityContext"]["runAsUser"] == 10001
    pod = webserver["spec"]["template"]
    (container,) = pod["spec"]["containers"]
    assert pod["spec"]["securityContext"] == deployment["podSecurityContext"]
    assert container["securityContext"] == deployment["securityContext"]
    assert container["image"] == f"{deployment['image']['repository']}:{tag}"
    assert {mount["name"] for mount in container["volumeMounts"]} == {each["name"] for each in pod["spec"]["volumes"]}
    assert service["spec"]["selector"] == pod["metadata"]["labels"] == webserver["spec"]["selector"]["matchLabels"]
    assert values["dagsterWebserver"] == {"replicaCount": 0}
    (version,) = re.findall(r"dagster/dagster --version (\S+)", PAGE)
    assert locked(DEPLOY / "requirements.lock")["dagster"] == version


def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if not analyze:
        pytest.skip("systemd is not installed here")
    program = tmp_path / "touchstone"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    for unit in (DEPLOY / "systemd").iterdir():
        text = unit.read_text().replace("/opt/touchstone/bin/touchstone", str(program))
        (tmp_path / unit.name).write_text(text)
    units = sorted(tmp_path.glob("touchstone*.*"))
    assert len(units) == 4
    result = subprocess.run([analyze, "verify", *units], capture_output=True, text=True)
    complaints = [line for line in result.stderr.splitlines() if "touchstone" in line]
    assert (result.returncode, complaints) == (0, [])


def clean(**variables: str) -> dict[str, str]:
    """The environment of a service, without what other tests have set."""
    ours = ("DAGSTER_", "DBT_", "TOUCHSTONE_")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)} | variables


@contextmanager
def running(*commands: list[str], environment: Mapping[str, str], log: Path) -> Iterator[None]:
    """Services, ended as systemd ends them."""
    with log.open("w") as output:
        processes = [
            subprocess.Popen(command, env=environment, stdout=output, stderr=output, start_new_session=True)
            for command in commands
        ]
        try:
            yield
        except BaseException:
            print(log.read_text()[-10_000:])
            raise
        finally:
            for process in processes:
                os.killpg(process.pid, signal.SIGTERM)
            for process in processes:
                try:
                    process.wait(30)
                except subprocess.TimeoutExpired:
                    os.killpg(process.pid, signal.SIGKILL)


@pytest.fixture
def history(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a PostgreSQL server for Dagster's history, or nothing for SQLite."""
    if request.param == "sqlite":
        yield ""
        return
    with postgres_server() as url:
        yield url


@pytest.mark.parametrize("history", [pytest.param("sqlite", marks=pytest.mark.full), "postgres"], indirect=True)
def test_the_services_run_a_night_that_mails_its_failure(
    history: str,
    servers: Servers,  # noqa: F811
    tmp_path: Path,
) -> None:
    """By the commands of the units, and with the health checks of the image and of Compose."""
    home, port = tmp_path / "home", free_port()
    home.mkdir()
    environment = clean(
        TOUCHSTONE_HOME=str(home),
        TOUCHSTONE_ALERT_URLS=json.dumps([f"mailto://127.0.0.1:{servers.mail}?from=a@example.com&to=ops@example.com"]),
        TOUCHSTONE_LOCATIONS=NOWHERE,
        DAGSTER_HOME=str(home / "dagster"),
        PORT=str(port),
        PATH=f"{BIN}{os.pathsep}{os.environ['PATH']}",
    )
    if history:
        shutil.copy(DEPLOY / "dagster.yaml", home)
        environment["DAGSTER_POSTGRES_URL"] = history
    units = [(DEPLOY / "systemd" / f"touchstone-{name}.service").read_text() for name in ("webserver", "daemon")]
    commands = [re.findall(r"^ExecStart=/opt/touchstone/bin/touchstone (\w+)$", unit, re.MULTILINE) for unit in units]
    (of_image,) = [rest for name, rest in instructions() if name == "HEALTHCHECK"]
    web = json.loads(of_image.partition(" CMD ")[2].replace(":3000/", f":{port}/"))
    daemon = compose()["services"]["daemon"]["healthcheck"]["test"][1:]

    def health(check: list[str]) -> int:
        return subprocess.run(check, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode

    assert (health(web), health(daemon)) == (1, 1)
    services = [[sys.executable, "-m", "touchstone", *command] for command in commands]
    _, address, schedule, of_page = blocks("Dagster's UI as a service")
    places = {"/opt/touchstone/bin": str(BIN), ":3000/": f":{port}/", "/var/lib/touchstone": str(home)}
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())

    def typed(block: str) -> str:
        """What the page's commands print, without those for systemd."""
        script = "".join(line for line in block.splitlines(keepends=True) if not line.startswith("sudo systemctl"))
        for place, instead in places.items():
            script = script.replace(place, instead)
        script = f'as_touchstone() {{ env TOUCHSTONE_HOME={home} "$@"; }}\n{script}'
        done = subprocess.run(["bash", "-euc", script], env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    with running(*services, environment=environment, log=tmp_path / "log"):
        until(lambda: health(web) == 0)
        until(lambda: health(daemon) == 0, pause=5)  # which loads Dagster
        assert "Started schedule every_night" in typed(schedule)
        assert "dagster_webserver_version" in typed(of_page)
        with pytest.raises(urllib.error.HTTPError, match="401"):
            opener.open(f"http://127.0.0.1:{port}/")
        assert 'id="initialization-data"' in opener.open(typed(address).strip()).read().decode()
        launch = [BIN / "dagster", "job", "launch", "-j", "nightly", "-m", "touchstone.definitions"]
        subprocess.run(launch, env=environment, check=True, capture_output=True)
        until(lambda: bool(servers.mails))
    (mail,) = servers.mails
    assert "published without mailgun" in mail
    assert "nowhere://" in mail
    assert (health(web), (home / "dagster" / "history").exists()) == (1, not history)


def test_the_webserver_of_the_chart_asks_for_the_token(tmp_path: Path) -> None:
    """The commands of its pods, with the code server's workspace as the chart writes it."""
    values = yaml.safe_load((DEPLOY / "helm-values.yaml").read_text())
    (deployment,) = values["dagster-user-deployments"]["deployments"]
    (container,) = values["extraManifests"][1]["spec"]["template"]["spec"]["containers"]
    port, code_port = free_port(), free_port()
    location = {"host": "127.0.0.1", "port": code_port, "location_name": deployment["name"]}
    (tmp_path / "workspace.yaml").write_text(yaml.safe_dump({"load_from": [{"grpc_server": location}]}))
    for name in ("code", "web"):
        (tmp_path / name).mkdir()
    (tmp_path / "web" / "ui_token").write_text("a-token")
    given = {variable["name"]: variable["value"] for variable in container["env"] if "value" in variable}
    workspace = {"/workspace/workspace.yaml": str(tmp_path / "workspace.yaml")}
    web = [sys.executable, "-m", *(workspace.get(argument, argument) for argument in container["args"])]
    code = [str(BIN / "dagster"), "api", "grpc", "--port", str(code_port), *deployment["dagsterApiGrpcArgs"]]
    homes = {"code": clean(TOUCHSTONE_HOME=str(tmp_path / "code"), DAGSTER_HOME=str(tmp_path / "code"))}
    homes["web"] = clean(TOUCHSTONE_HOME=str(tmp_path / "web"), PORT=str(port), **given)

    def ask(path: str, body: bytes | None = None, **headers: str) -> tuple[int, str]:
        request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", body, headers)
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read().decode()
        except OSError as error:
            return 0, str(error)

    probe = container["readinessProbe"]["httpGet"]
    header = {each["name"]: each["value"] for each in probe["httpHeaders"]}
    nodes = "{ repositoriesOrError { ... on RepositoryConnection { nodes { location { name } } } } }"
    question = json.dumps({"query": nodes}).encode()
    sent = {"Content-Type": "application/json", "Authorization": "Bearer a-token"}
    with (
        running(code, environment=homes["code"], log=tmp_path / "code.log"),
        running(web, environment=homes["web"], log=tmp_path / "web.log"),
    ):
        until(lambda: ask(probe["path"], **header)[0] == 200)
        assert ask(probe["path"], Host="10.0.0.1:3000")[0] == 403
        named = {"Host": "touchstone.example.com"}
        assert ask("/graphql", question, **named)[0] == 401
        loaded = {"data": {"repositoriesOrError": {"nodes": [{"location": {"name": deployment["name"]}}]}}}
        until(lambda: json.loads(ask("/graphql", question, **named, **sent)[1]) == loaded)


# Stand-ins for what a test may not do, by the program's name. `$PYTHON` is this Python, `$OTHERS` its packages.
STAND_INS = {
    "sudo": 'if [ "$1" = -u ]; then shift 2; fi; exec "$@"',
    "useradd": 'echo "useradd $*" >> "$DONE"',
    "systemctl": 'echo "systemctl $*" >> "$DONE"',
    "install": 'shift 4; exec /usr/bin/install "$@"',
    "python3.11": """
        "$PYTHON" "$@" --without-pip
        cp "$(dirname "$0")/pip" "$3/bin/pip"
        cd "$3"/lib/python*/site-packages
        echo "$OTHERS" > others.pth
    """,
    "pip": """
        case "$*" in *requirements.lock*) exit;; esac
        exec "$PYTHON" -m pip --quiet --python "$(dirname "$0")/python" "$@" --no-index
    """,
}


def test_the_timer_is_set_up_as_the_page_says(
    servers: Servers,  # noqa: F811
    tmp_path: Path,
) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    for name, text in STAND_INS.items():
        (programs / name).write_text(f"#!/bin/sh\nset -e\n{text}\n")
        (programs / name).chmod(0o755)
    (tmp_path / "units").mkdir()
    script = "\n".join(blocks("A timer"))
    mailer = f"mailto://127.0.0.1:{servers.mail}"
    places = {
        "/opt/touchstone": str(tmp_path / "opt"),
        "/var/lib/touchstone": str(tmp_path / "home"),
        "/etc/systemd/system/": str(tmp_path / "units"),
        "mailtos://user:password@smtp.example.com": mailer,
    }
    for place, instead in places.items():
        assert place in script
        script = script.replace(place, instead)
    environment = clean(
        PATH=f"{programs}{os.pathsep}{os.environ['PATH']}",
        PYTHON=sys.executable,
        PYTHONPATH="",
        OTHERS="\n".join(path for path in sys.path if path.endswith("site-packages")),
        DONE=str(tmp_path / "done"),
    )
    result = subprocess.run(["bash", "-euc", script], cwd=PROJECT, env=environment, capture_output=True, text=True)
    assert result.returncode == 2, result.stderr[-5000:]
    assert "Held back: mailgun" in result.stdout
    test, failure = servers.mails
    assert "a test of alerts" in test
    assert "published without mailgun" in failure
    assert (tmp_path / "home" / "settings.toml").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "done").read_text().splitlines()[-1] == "systemctl enable --now touchstone.timer"
    assert {unit.name for unit in (tmp_path / "units").iterdir()} == {"touchstone.service", "touchstone.timer"}


def test_the_page_names_what_there_is() -> None:
    for path in set(re.findall(r"deploy/[\w./-]*\w", PAGE)) - {"deploy/touchstone.env"}:
        assert (PROJECT / path).exists(), path
    units = {unit.name for unit in (DEPLOY / "systemd").iterdir()}
    assert units == set(re.findall(r"touchstone[\w-]*\.(?:service|timer)", PAGE))
