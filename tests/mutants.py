"""Would a test notice? The kernel is changed in one place, and the tests that run it are run.

Mutmut makes the mutants. Its own runs put every version of a function behind a wrapper, which is
slow, and fails a test that counts steps. Here a mutant is the file itself, changed in a copy of
the package, and a fresh process runs its tests, the quickest first; it is forked from one that has
imported all but the package. What ran which line is measured beforehand, and kept until the
package or a test changes.

    python tests/mutants.py                          # 300 of them, drawn from all of the kernel
    python tests/mutants.py --sample 1000 --seed 7   # others, and more
    python tests/mutants.py money order.ledger:12    # every one of a module, or just this one
"""

from __future__ import annotations

import argparse
import ast
import difflib
import hashlib
import json
import math
import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from queue import SimpleQueue

import coverage
import libcst as cst
import pytest
from mutmut.mutation.file_mutation import create_mutations, deep_replace

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "shoppego_orders"
WORK = ROOT / "mutants"
# As in noxfile.py.
OUTSIDE_THE_KERNEL = ["__main__.py", "adapters/*", "cli/*", "notebook/*", "scale/*", "testing/*"]

# Neither servers, browsers nor killed processes; nothing that is about what stands on the kernel.
LEFT_OUT = [
    *("browser", "cli*", "cut_databases", "docs"),
    *("django_host", "spark*"),
    *("erasing_stores", "example_stores", "frames", "interrupted_exports", "killed_writers"),
    *("mail_refused", "mixed_load", "notebook*", "package", "postgres*", "readers", "scale*"),
    *("schema_versions", "shop_host", "sql_store", "store_faults", "store_laws"),
    *("strategy_laws", "tutorial"),
]
NOT_BY_NAME = "not ostgres and not killed and not Sql and not processes and not sqlite"
# A mutant that these tests don't see is called survived; what more they cost is in the other ones.
SECONDS = 20.0
# What is imported when all are forked from it must not import the package yet.
NO_PLUGINS = "HYPOTHESIS_NO_PLUGINS"
FORKING = multiprocessing.get_context("forkserver")
FORKING.set_forkserver_preload(["__main__", "cattrs", "dateutil", "hypothesis", "sqlalchemy"])


class Contexts:
    """Tells coverage.py which test is running, and keeps how long each took."""

    def __init__(self, measured: coverage.Coverage) -> None:
        self.measured = measured
        self.seconds: dict[str, float] = defaultdict(float)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self.measured.switch_context(nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.seconds[report.nodeid] += report.duration


def chosen_tests() -> list[str]:
    """The files of the tests that may kill a mutant."""
    files = sorted([*ROOT.glob("tests/test_*.py"), *ROOT.glob("tests/property/test_*.py")])
    return [
        str(path.relative_to(ROOT))
        for path in files
        if not any(fnmatch(path.stem.removeprefix("test_"), name) for name in LEFT_OUT)
    ]


def measure(into: str) -> None:
    """Run the tests once, and write down which of them run which line, and how long each takes."""
    measured = coverage.Coverage(data_file=None, config_file=False, source=[str(PACKAGE)])
    contexts = Contexts(measured)
    measured.start()
    code = pytest.main(["-q", "-k", NOT_BY_NAME, *chosen_tests()], plugins=[contexts])
    measured.stop()
    if code != pytest.ExitCode.OK:
        sys.exit("the tests fail without any mutant")
    data = measured.get_data()
    names = sorted(contexts.seconds)
    number = {name: at for at, name in enumerate(names)}
    lines = {
        str(path.relative_to(PACKAGE)): {
            line: sorted(number[each] for each in ran if each in number)
            for line, ran in data.contexts_by_lineno(str(path)).items()
        }
        for path in kernel()
    }
    seconds = [contexts.seconds[name] for name in names]
    Path(into).write_text(json.dumps({"tests": names, "seconds": seconds, "lines": lines}))


def kernel() -> list[Path]:
    """The modules that are mutated."""
    return [
        path
        for path in sorted(PACKAGE.rglob("*.py"))
        if not any(fnmatch(str(path.relative_to(PACKAGE)), name) for name in OUTSIDE_THE_KERNEL)
    ]


def digest() -> str:
    """Changes with the package and with the tests."""
    found = hashlib.sha256()
    for path in sorted([*PACKAGE.rglob("*.py"), *ROOT.glob("tests/**/*.py")]):
        if path != Path(__file__):
            found.update(path.read_bytes())
    return found.hexdigest()[:16]


def module_name(path: Path) -> str:
    """``order.ledger``, of the path of that module."""
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts)


class Types(cst.CSTVisitor):
    """Finds texts that only a type checker reads: what something is said to be by ``cast``."""

    def __init__(self) -> None:
        self.texts: set[int] = set()

    def visit_Call(self, node: cst.Call) -> None:  # noqa: N802  # LibCST's name
        if isinstance(node.func, cst.Name) and node.func.value == "cast":
            self.texts.add(id(node.args[0].value))


class Mutants:
    """The mutants of one module, by their number: what mutmut changes inside of functions."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.source = path.read_text()
        self.tree, found, _, _ = create_mutations(str(path), self.source)
        types = Types()
        self.tree.visit(types)
        # What stands in a class and in no method is run once, when it is imported, by no test.
        self.mutations = [
            each
            for each in found
            if isinstance(each.contained_by_top_level_function, cst.FunctionDef)
            and id(each.original_node) not in types.texts
        ]

    def __len__(self) -> int:
        return len(self.mutations)

    def code(self, number: int) -> str:
        """The module with one change."""
        mutation = self.mutations[number]
        changed = deep_replace(self.tree, mutation.original_node, mutation.mutated_node)
        assert isinstance(changed, cst.Module)
        return changed.code

    def diff(self, number: int) -> list[str]:
        """The lines that are different, each with its number."""
        before, after = self.source.splitlines(), self.code(number).splitlines()
        compared = difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
        shown: list[str] = []
        for tag, start, end, new_start, new_end in compared:
            if tag != "equal":
                shown += [f"{at + 1:4} - {before[at].strip()}" for at in range(start, end)]
                shown += [f"     + {line.strip()}" for line in after[new_start:new_end]]
        return shown

    def line(self, number: int) -> int:
        """The first line that is different, counted from 1."""
        pairs = zip(self.source.splitlines(), self.code(number).splitlines(), strict=False)
        return next((at for at, (old, new) in enumerate(pairs, 1) if old != new), 1)


@cache
def mutants_of(path: Path) -> Mutants:
    """As :class:`Mutants`, made once."""
    return Mutants(path)


def sampled(size: int, seed: int) -> list[tuple[Path, int]]:
    """So many mutants, from every module in proportion to its own, the same ones for a seed."""
    drawn = random.Random(seed)
    counts = {path: len(mutants_of(path)) for path in kernel()}
    total = sum(counts.values())
    print(f"{total} mutants in {sum(map(bool, counts.values()))} modules; seed {seed}", flush=True)
    found: list[tuple[Path, int]] = []
    owed = drawn.random()  # what rounding left over goes on to the next module
    for path, count in counts.items():
        owed += min(size, total) * count / total
        wanted = min(math.floor(owed), count)
        owed -= wanted
        found += [(path, number) for number in drawn.sample(range(count), wanted)]
    drawn.shuffle(found)  # so that the beginning of a long run is a sample too
    return found


def named(names: list[str]) -> Iterator[tuple[Path, int]]:
    """The mutants of modules, or single ones."""
    paths = {module_name(path): path for path in kernel()}
    for name in names:
        module, _, number = name.partition(":")
        if module not in paths:
            sys.exit(f"{module} is no module of the kernel, such as money or order.ledger")
        numbers = [int(number)] if number else range(len(mutants_of(paths[module])))
        yield from ((paths[module], each) for each in numbers)


def tests_of(known: dict[str, dict[str, list[int]]], path: Path, line: int) -> list[int]:
    """The tests that ran the line, or else the next one above: where its statement begins.

    What is run when it is imported is run by no test. Of a function's parameters those that ran
    its body are taken, and of a function that made a constant those that ran any of the module.
    """
    lines = known[str(path.relative_to(PACKAGE))]
    nearest = range(line, 0, -1)
    for start, body, end in functions(path):
        if start <= line <= end:
            nearest = range(body, end + 1) if line < body else range(line, start, -1)
    for at in nearest:
        if lines.get(str(at)):
            return lines[str(at)]
    return sorted({test for ran in lines.values() for test in ran})


@cache
def functions(path: Path) -> list[tuple[int, int, int]]:
    """Of each function the lines on which it and its body begin, and its last; outer ones first."""
    nodes = ast.walk(ast.parse(path.read_text()))
    return [
        (node.lineno, node.body[0].lineno, node.end_lineno or 0)
        for node in nodes
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


def verdict(
    path: Path, code: str, tests: list[str], seconds: float, copies: SimpleQueue[Path]
) -> str:
    """What becomes of the tests in a process that sees the mutant.

    :param copies: of the package; one is taken, and put back as it was.
    """
    copy = copies.get()
    target = copy / "shoppego_orders" / path.relative_to(PACKAGE)
    _write(target, code)
    chosen = copy / "chosen.txt"
    chosen.write_text("\n".join(tests))
    process = FORKING.Process(target=run_tests, args=(str(copy), str(chosen)))
    process.start()
    process.join(30 + 5 * seconds)
    ended = process.exitcode
    if ended is None:
        assert process.pid is not None
        os.killpg(process.pid, signal.SIGKILL)
        process.join()
    _write(target, path.read_text())
    copies.put(copy)
    if ended is None:
        return "timeout"
    return "survived" if ended == 0 else "killed"


def _write(target: Path, code: str) -> None:
    for compiled in (target.parent / "__pycache__").glob(f"{target.stem}.*"):
        compiled.unlink()
    target.write_text(code)


def run_tests(copy: str, chosen: str) -> None:
    """What a forked process does: it ends as pytest does."""
    os.setsid()
    quiet = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(quiet, stream)
    os.chdir(ROOT)
    sys.path.insert(0, copy)
    os.environ["PYTHONPATH"] = copy
    del os.environ[NO_PLUGINS]
    from hypothesis import entry_points

    entry_points.run()  # the package is one
    # Hypothesis is imported already, which pytest would warn of, and warnings are errors.
    known = ["-W", "ignore::pytest.PytestAssertRewriteWarning"]
    sys.exit(pytest.main(["-x", "-q", "-p", "no:cacheprovider", *known, f"@{chosen}"]))


def interval(part: int, of: int) -> tuple[float, float]:
    """Wilson's, 95 %: where the share of all mutants is, from that of a sample."""
    z, share = 1.96, part / of
    middle = (share + z * z / (2 * of)) / (1 + z * z / of)
    half = z / (1 + z * z / of) * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    return middle - half, middle + half


def main() -> None:
    parser = argparse.ArgumentParser(description="Mutate the kernel, and run its tests.")
    parser.add_argument("names", nargs="*", help="modules, or module:number; a sample without")
    parser.add_argument("--sample", type=int, default=300, help="how many, over all of the kernel")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of tests for a mutant")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="at the same time")
    parser.add_argument("--minutes", type=float, default=math.inf, help="stop after that")
    given = parser.parse_args()

    os.chdir(ROOT)
    os.environ["HYPOTHESIS_PROFILE"] = "few"
    began = time.monotonic()
    WORK.mkdir(exist_ok=True)
    measured = WORK / f"{digest()}.json"
    if not measured.exists():
        # In a process of its own: what is measured must not be imported before.
        command = [sys.executable, "-c", f"import mutants; mutants.measure({str(measured)!r})"]
        subprocess.run(command, check=True, env=os.environ | {"PYTHONPATH": "tests"})
    known = json.loads(measured.read_text())
    os.environ[NO_PLUGINS] = "yes"
    copies: SimpleQueue[Path] = SimpleQueue()
    for number in range(given.jobs):
        copy = WORK / str(number)
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(PACKAGE, copy / PACKAGE.name, ignore=shutil.ignore_patterns("__pycache__"))
        copies.put(copy)

    # What fails without a mutant would kill each of them.
    path = kernel()[0]
    if verdict(path, path.read_text(), known["tests"][:50], 0.0, copies) != "survived":
        sys.exit("tests fail in a forked process without any mutant")

    def tried(path: Path, number: int) -> str | None:
        """What became of a mutant, and what is to be told of it."""
        if time.monotonic() - began > given.minutes * 60:
            return None
        mutants = mutants_of(path)
        numbers = tests_of(known["lines"], path, mutants.line(number))
        numbers.sort(key=lambda at: known["seconds"][at])
        tests: list[str] = []
        seconds = 0.0
        for at in numbers:
            seconds += known["seconds"][at]
            if tests and seconds > given.seconds:
                break
            tests.append(known["tests"][at])
        result = (
            verdict(path, mutants.code(number), tests, seconds, copies) if tests else "no tests"
        )
        if result != "killed":
            name = f"{module_name(path)}:{number}"
            told = f"{name} {result} ({len(tests)} of {len(numbers)} tests)"
            print("\n".join([told, *mutants.diff(number)]), flush=True)
        return result

    chosen = list(named(given.names)) if given.names else sampled(given.sample, given.seed)
    results: Counter[str] = Counter()
    with ThreadPoolExecutor(given.jobs) as pool:
        for result in pool.map(tried, *zip(*chosen, strict=True)):
            if result is not None:
                results[result] += 1
                if results.total() % 50 == 0:
                    print(f"{results.total()} tried: {dict(results)}", flush=True)
    done = results.total()
    killed = results["killed"] + results["timeout"]
    low, high = interval(killed, done)
    print(f"{done} tried: {dict(results)}")
    print(f"killed, or stopped: {killed / done:.1%}; of all, 95 % sure: {low:.1%} to {high:.1%}")


if __name__ == "__main__":
    main()
