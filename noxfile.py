"""Every check of the project, one session each: ``nox`` runs what CI runs, ``nox -l`` lists all.

Environments are synced from ``uv.lock`` unless a session says why not. An interpreter that is
not installed is skipped and named in the closing summary; none is downloaded.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import zipfile
from pathlib import Path

import nox

nox.needs_version = ">=2026.10"
nox.options.default_venv_backend = "uv"
nox.options.download_python = "never"
# A machine has the interpreters that it has, in CI too, where nox would call this an error.
nox.options.error_on_missing_interpreters = False
# For `nox -j 2`: no session needs what another one makes, but coverage, which requires it.
nox.options.allow_parallel = True
nox.options.reuse_venv = "yes"
nox.options.stop_on_first_error = True

# Where it is set, each of the hundred processes that tests start compiles all that it imports.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

PYTHONS = ["3.11", "3.12", "3.13"]
# Measuring doubles the time, and no line depends on the version: the suite is measured once, on
# the Python that runs nox, where it is one of these. No law does either: on the others it is tried
# with the first few of the same examples, and without the tests that are marked as needed only
# once. One of them has the oldest dependencies: what fails there says by itself which it was.
RUNNING = f"{sys.version_info.major}.{sys.version_info.minor}"
MEASURED = RUNNING if RUNNING in PYTHONS else PYTHONS[-1]
WITH_THE_OLDEST = "3.12" if MEASURED != "3.12" else "3.11"
FEW = {"HYPOTHESIS_PROFILE": "few"}
NOT_AGAIN = ["-m", "not once"]
# Not Spark, which is large: it is named where it is needed.
EXTRAS = ["sql", "postgresql", "cli", "notebook", "arrow", "testing", "yaml"]
# The kernel is what is left: pure decisions, of which every branch is tested.
OUTSIDE_THE_KERNEL = [
    *("__main__.py", "adapters/**", "cli/**", "notebook/**", "scale/**", "testing/**"),
]
IMPORT = "import shoppego_orders as s; print(s.__file__, len(s.__all__), 'public names')"


def sync(
    session: nox.Session, *groups: str, extras: list[str] | None = None, editable: bool = True
) -> None:
    """Make the session's environment what ``uv.lock`` says, and nothing else.

    :param groups: dependency groups of pyproject.toml.
    :param extras: of the package; all of them unless said otherwise.
    :param editable: False builds the package and installs what was built.
    """
    wanted = [f"--group={group}" for group in groups]
    wanted += [f"--extra={extra}" for extra in (EXTRAS if extras is None else extras)]
    session.run_install(
        "uv",
        "sync",
        "--locked",
        "--quiet",
        "--no-default-groups",
        *wanted,
        *([] if editable else ["--no-editable"]),
        f"--python={session.virtualenv.location}",
        env={"UV_PROJECT_ENVIRONMENT": session.virtualenv.location},
    )


@nox.session(python=PYTHONS, tags=["test"])
def tests(session: nox.Session) -> None:
    """The whole suite against the built package; arguments go to pytest."""
    if session.python != MEASURED:
        if session.python == WITH_THE_OLDEST:
            install_oldest(session)
        else:
            sync(session, "tests", editable=False)
        session.run("pytest", *NOT_AGAIN, *session.posargs, env=FEW)
        return
    sync(session, "tests", extras=[*EXTRAS, "spark"], editable=False)
    for old in Path().glob(".coverage.*"):
        old.unlink()
    # Not pytest-cov: Hypothesis loads our strategies before a plugin could start to measure.
    session.run("coverage", "run", "-m", "pytest", *session.posargs)


def install_oldest(session: nox.Session) -> None:
    """The oldest dependencies that pyproject.toml admits: dateutil 2.9 among them.

    The tools that run the tests stay those of ``uv.lock``.
    """
    tools = Path(session.create_tmp()) / "tools.txt"
    ours = ["attrs", "cattrs", "click", "hypothesis", "matplotlib", "psycopg"]
    ours += ["psycopg-binary", "pyarrow", "python-dateutil", "rich", "sqlalchemy"]
    session.run_install(
        "uv",
        "export",
        "--locked",
        "--quiet",
        "--no-hashes",
        "--only-group=tests",
        *[f"--no-emit-package={name}" for name in ours],
        f"--output-file={tools}",
        silent=True,
    )
    session.install("--resolution=lowest-direct", f".[{','.join(EXTRAS)}]")
    session.install("--requirements", str(tools))
    session.run("uv", "pip", "list", "--quiet")
    session.run(
        "python",
        "-c",
        "from importlib.metadata import version as v; assert v('python-dateutil') < '3'",
    )


@nox.session(tags=["test"], requires=[f"tests-{MEASURED}"])
def coverage(session: nox.Session) -> None:
    """What ``tests`` covered: every branch of the kernel, and 95 % of everything."""
    sync(session, "tests", editable=False)
    session.run("coverage", "combine", "--quiet")
    session.run("coverage", "report", "--fail-under=95")
    outside = ",".join(f"**/shoppego_orders/{name}" for name in OUTSIDE_THE_KERNEL)
    session.run("coverage", "report", f"--omit={outside}", "--fail-under=100")


@nox.session(tags=["check"])
def lint(session: nox.Session) -> None:
    """Ruff: format and rules. ``nox -s lint -- --fix`` mends what it can."""
    sync(session, "lint", extras=[])
    fix = "--fix" in session.posargs
    session.run("ruff", "check", *(["--fix"] if fix else []))
    session.run("ruff", "format", *([] if fix else ["--diff"]))


@nox.session(tags=["check"])
def types(session: nox.Session) -> None:
    """Mypy and pyright, both strict, over all that is Python; pyrefly over the package.

    And everything that the built package exports has a type that no checker has to guess.
    """
    groups = ("types", "tests", "docs", "nox", "mutants")
    sync(session, *groups, extras=[*EXTRAS, "spark"], editable=False)
    session.run("mypy")
    session.run("pyright")
    session.run("pyrefly", "check")
    with session.chdir(session.create_tmp()):  # away from the source, for what is installed
        session.run("pyright", "--verifytypes", "shoppego_orders", "--ignoreexternal")


@nox.session(tags=["check"])
def imports(session: nox.Session) -> None:
    """import-linter: the layers, and which module may import which other project's package."""
    sync(session, "lint")
    session.run("lint-imports", "--no-cache")


@nox.session(tags=["check"])
def docs(session: nox.Session) -> None:
    """The documentation; a warning is an error. The result is in docs/_build."""
    sync(session, "docs", extras=[*EXTRAS, "spark"])
    session.run(
        "sphinx-build", "--fail-on-warning", "--keep-going", "--quiet", "docs", "docs/_build"
    )


@nox.session(tags=["check"], reuse_venv=False)
def wheel(session: nox.Session) -> None:
    """What a user gets: build, look inside, install alone, import; then the whole demo."""
    tmp = Path(session.create_tmp())
    built = build(session, tmp / "first")
    again = build(session, tmp / "second").parent
    # Each wheel is built from its source distribution, at another time and in another place.
    for path in built.parent.glob("shoppego*"):
        if digest(path) != digest(again / path.name):
            session.error(f"two builds of {path.name} differ")
    check_contents(session, built)

    readme, runner = Path("README.md").resolve(), Path("tests/page_examples.py").resolve()
    session.install(str(built))
    with session.chdir(tmp):
        session.run("python", "-I", "-c", IMPORT)
        session.run("python", "-I", str(runner), str(readme))
        session.install(f"{built}[cli]")
        shutil.rmtree("demo", ignore_errors=True)
        session.run("shoppego-orders", "demo", "--out", "demo")
        session.run("python", "-m", "shoppego_orders", "--help", silent=True)


@nox.session(default=False, tags=["slow"])
def deep(session: nox.Session) -> None:
    """The properties with Hypothesis's deep profile: many more examples, new ones every time."""
    sync(session, "tests", extras=[*EXTRAS, "spark"])
    heavy = ["abandonment_faults", "killed_writers", "cut_databases", "hostile_input"]
    heavy += ["spark_cluster"]
    paths = session.posargs or ["tests/property", *(f"tests/test_{each}.py" for each in heavy)]
    env = {"HYPOTHESIS_PROFILE": "deep", "SHOPPEGO_TEST_HOSTILE_ROUNDS": "8"}
    session.run("pytest", *paths, env=env)


@nox.session(default=False, tags=["slow"])
def readers(session: nox.Session) -> None:
    """What LibreOffice, pandas, Polars and DuckDB see in our files and frames; root brings
    LibreOffice.
    """
    sync(session, "tests", "bench")
    if shutil.which("soffice") is None and shutil.which("apt-get") and os.geteuid() == 0:
        session.run_install("apt-get", "update", "-qq", external=True)
        programs = ["libreoffice-calc-nogui", "unzip"]
        session.run_install(
            *("apt-get", "install", "-qq", "--no-install-recommends", *programs), external=True
        )
    paths = ["tests/test_readers.py", "tests/test_frames.py"]
    session.run("pytest", *paths, *session.posargs, env={"READERS": "yes"})


@nox.session(default=False, tags=["slow"])
def bench(session: nox.Session) -> None:
    """The benchmarks beside the last table; none fails on a time. Arguments name some of them."""
    sync(session, "bench", extras=[*EXTRAS, "spark"])
    session.run("python", "tests/bench", *session.posargs)


@nox.session(default=False, tags=["slow"])
def mutants(session: nox.Session) -> None:
    """Would a test notice a change of the kernel? 300 mutants, or those that arguments name.

    ``nox -s mutants -- --sample 1000 --seed 7`` tries others and more of them, and
    ``nox -s mutants -- money order.ledger:12`` all of a module, or a single one.
    """
    sync(session, "tests", "mutants")
    session.run("python", "tests/mutants.py", *session.posargs)


def build(session: nox.Session, into: Path) -> Path:
    """Build the source distribution, and the wheel from it."""
    shutil.rmtree(into, ignore_errors=True)
    session.run_install("uv", "build", "--quiet", f"--out-dir={into}")
    return next(into.glob("*.whl")).resolve()


def digest(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def check_contents(session: nox.Session, built: Path) -> None:
    """List what the wheel holds: modules, the marker for type checkers, and our two data files."""
    names = zipfile.ZipFile(built).namelist()
    session.log("%s holds:\n  %s", built.name, "\n  ".join(names))
    data = {
        f"shoppego_orders/{name}"
        for name in ["py.typed", "attribution/sources.toml", "sample_checkouts.jsonl"]
    }
    strange = [
        name
        for name in names
        if name not in data
        and not (name.startswith("shoppego_orders/") and name.endswith(".py"))
        and ".dist-info/" not in name
    ]
    missing = sorted(data - set(names))
    if strange or missing:
        session.error(f"in the wheel, but not expected: {strange}; missing: {missing}")
