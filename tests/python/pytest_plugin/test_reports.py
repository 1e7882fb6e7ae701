# SPDX-License-Identifier: BSD-3-Clause
"""The reports of a run, in runs of their own: header, summary, JSON, JUnit, GitHub, trace."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from pathlib import Path
from xml.etree import ElementTree

import jsonschema
import pytest

from cenv.pytest_plugin import statistics, summary
from cenv.pytest_plugin.format import duration
from cenv.tracing import trace_file

SUITE = """
import pytest

@pytest.mark.parametrize("i", range(4))
def test_many(cenv_env, i):
    cenv_env()

def test_two(cenv_env):
    cenv_env("data=1")
    cenv_env("data=1", mode="copy")

def test_none():
    pass
"""


@pytest.fixture
def project(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> pytest.Pytester:
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    project.makepyfile(test_suite=SUITE)
    return project


def run(project: pytest.Pytester, *argv: str) -> pytest.RunResult:
    options = ("--strict-markers", "--strict-config", "-W", "error")
    return project.runpytest_subprocess(*options, *argv)


def load(path: Path) -> dict:
    """Read a report and hold it against the schema that the package ships."""
    report = json.loads(path.read_text())
    schema = json.loads(
        (files("cenv.pytest_plugin") / "report.schema.json").read_text()
    )
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(report, schema)
    return report


@pytest.fixture(params=[(), ("-n0",), ("-n2",)], ids=["alone", "n0", "n2"])
def workers(request: pytest.FixtureRequest) -> tuple[str, ...]:
    return request.param


def test_reports__agree(
    project: pytest.Pytester, workers: tuple[str, ...], tmp_path: Path
) -> None:
    store = f"--cenv-store={tmp_path / 'store'}"
    # One of the two templates is there when the run begins.
    assert run(project, store, "-k", "many", "-p", "no:terminal").ret == 0
    steps = project.path / "steps.md"
    steps.write_text("before\n")
    project._monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(steps))
    asked = ("--cenv-json=o.json", "--junitxml=j.xml", "--cenv-trace=t.json", "-vv")
    result = run(project, store, *workers, *asked)
    result.assert_outcomes(passed=6)
    report = load(project.path / "o.json")

    built = {tuple(t["specs"]): bool(t["builds"]) for t in report["templates"]}
    assert built == {("tool", "data >=2,<3"): False, ("data=1",): True}
    clones = report["clones"]
    assert clones["count"] == 6
    assert sum(clones["modes"].values()) == 6
    assert clones["modes"]["copy"] >= 1
    assert 0 < clones["median"] <= clones["p95"] <= clones["seconds"]
    assert clones["bytes_copied"] > 0
    assert all(t["cost"] > 0 for t in report["templates"])

    causes = {bool(t["builds"]): t["causes"] for t in report["templates"]}
    assert causes[True]
    assert not causes[False]
    lines = result.outlines
    assert any(re.fullmatch(r" *time  of template data=1", line) for line in lines)
    (said,) = (line for line in lines if line.startswith("6 clones"))
    assert f"median {duration(clones['median'])}, p95 {duration(clones['p95'])}" in said
    (first,) = (line for line in lines if line.startswith("1 template built in"))
    assert first.endswith("1 reused")
    assert sum(line.startswith("test_suite.py::test_two  ") for line in lines) == 2
    assert any(
        re.match(r"template tool data >=2,<3 \[[0-9a-f]{12}\]", x) for x in lines
    )
    assert sum("cenv environments" in line for line in lines) == 1

    _check_junit(project.path / "j.xml", clones)
    text = steps.read_text()
    assert text.startswith("before\n")
    assert "### cenv environments" in text
    assert "| `data=1` | 1 | built |" in text
    _check_trace(project.path / "t.json", workers)


def _check_junit(path: Path, clones: dict) -> None:
    (suite,) = ElementTree.parse(path).getroot().iter("testsuite")
    found = {
        p.get("name"): p.get("value") for p in suite.iterfind("properties/property")
    }
    assert found["cenv_clones_count"] == "6"
    assert found["cenv_templates_built"] == found["cenv_templates_reused"] == "1"
    assert float(found["cenv_clones_median"] or 0) == clones["median"]
    tests = {
        case.get("name"): {p.get("name"): p.get("value") for p in case.iter("property")}
        for case in suite.iter("testcase")
    }
    assert tests["test_two"]["cenv_clones"] == "2"
    assert float(tests["test_many[0]"]["cenv_clone_ms"] or 0) > 0
    assert not tests["test_none"]


def _check_trace(path: Path, workers: tuple[str, ...]) -> None:
    events = json.loads(path.read_text())["traceEvents"]
    named = [e for e in events if e["name"] == "process_name"]
    names = {e["args"]["name"]: e["pid"] for e in named}
    assert set(names) <= ({"gw0", "gw1"} if "-n2" in workers else {"pytest"})
    assert {e["pid"] for e in events} == set(names.values())
    framed = [e["name"] for e in events if e.get("cat") == "clone"]
    assert framed.count("clone test_suite.py::test_two") == 2
    read = trace_file.read(path)
    assert {"files", "publish"} <= {stage.name for stage in read.stages()}
    assert read.facts["command"] == "pytest"
    assert [p["name"] for p in read.facts["packages"]] == ["data"]


def test_reports__are_silent_without_use(project: pytest.Pytester) -> None:
    project.makepyfile(test_suite="def test(): pass")
    steps = project.path / "steps.md"
    project._monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(steps))
    result = run(project, "-n1")
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*cenv environments*")
    assert not steps.exists()
    result = run(project, "--cenv-report", "--cenv-json=o.json")
    result.stdout.fnmatch_lines(["*cenv environments*", "no test used an environment"])
    report = load(project.path / "o.json")
    assert report["templates"] == []
    assert report["clones"]["median"] is None


def test_reports__quietly(project: pytest.Pytester) -> None:
    quiet = run(project, "-q", "--cenv-json=o.json")
    quiet.stdout.no_fnmatch_line("*cenv*")
    assert load(project.path / "o.json")["clones"]["count"] == 6
    run(project, "-q", "--cenv-report").stdout.fnmatch_lines(["6 clones*"])
    bare = run(project, "-p", "no:terminal", "--cenv-json=p.json")
    assert bare.ret == 0
    assert bare.outlines == []
    assert load(project.path / "p.json")["clones"]["count"] == 6


def test_header__only_where_cenv_is_configured(
    project: pytest.Pytester, session_store: Path
) -> None:
    header = f"cenv *: store={session_store} (* cached), mode=copy"
    run(project, "--co", "--cenv-mode=copy").stdout.fnmatch_lines([header])
    two = run(project, "--co", "--cenv-mode=copy", "-n2").outlines
    assert sum(": store=" in line for line in two) == 1
    (project.path / "pytest.ini").write_text("[pytest]\n")
    run(project, "--co").stdout.no_fnmatch_line("cenv *: store=*")


def test_reports__without_the_plugin(
    project: pytest.Pytester, all_plugins: None
) -> None:
    (project.path / "pytest.ini").write_text("[pytest]\n")
    project.makepyfile(test_suite="def test(): pass")
    result = run(project, "-p", "no:cenv")
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*cenv environments*")
    assert run(project, "-p", "no:cenv", "--cenv-json=o.json").ret == 4


@pytest.mark.parametrize("option", ["--cenv-json", "--cenv-trace"])
def test_files__that_cannot_be_written_are_refused_early(
    project: pytest.Pytester, option: str
) -> None:
    result = run(project, f"{option}=absent/o.json")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*{option}: there is no directory *absent*"])
    assert run(project, f"{option}=.").ret == pytest.ExitCode.USAGE_ERROR


def test_files__are_meant_where_pytest_started(project: pytest.Pytester) -> None:
    project.makepyfile(
        test_suite="""
        import os

        def test(cenv_env, tmp_path):
            cenv_env()
            os.chdir(tmp_path)
        """
    )
    project._monkeypatch.setenv("CENV_TRACE", "t.json")
    run(project, "--cenv-json=o.json").assert_outcomes(passed=1)
    assert load(project.path / "o.json")["clones"]["count"] == 1
    assert trace_file.read(project.path / "t.json").stages()


def test_reports__of_a_crashed_worker_are_lost_alone(project: pytest.Pytester) -> None:
    project.makepyfile(
        test_suite="""
        import os, pytest

        @pytest.mark.parametrize("i", range(3))
        def test_clone(cenv_env, i):
            cenv_env()

        def test_crash(cenv_env):
            cenv_env()
            os._exit(1)
        """
    )
    result = run(project, "-n2", "--cenv-json=o.json")
    assert result.parseoutcomes()["failed"] == 1
    assert "INTERNALERROR" not in result.stdout.str()
    assert 1 <= load(project.path / "o.json")["clones"]["count"] <= 3


def test_step_summary__can_be_switched_off(project: pytest.Pytester) -> None:
    steps = project.path / "steps.md"
    project._monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(steps))
    run(project, "-o", "cenv_step_summary=false").assert_outcomes(passed=6)
    assert not steps.exists()
    project._monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(project.path))
    result = run(project)
    result.assert_outcomes(passed=6)
    result.stdout.fnmatch_lines(["cannot write a report: *"])


# ---- sums and words ----


def note(**values: object) -> dict:
    """Return what a recorder notes of a clone."""
    clone = {"template": "a" * 64, "prefix": "/p", "test": "t", "mode": "hardlink"}
    clone |= {"seconds": 0.1, "origin": "made", "files": 1, "bytes_copied": 1}
    return clone | {"bytes_shared": 2, "fallbacks": {}} | values


def template(**values: object) -> dict:
    """Return what a recorder notes of a template."""
    made = {"id": "a" * 64, "prefix": "/t", "specs": ["python"], "records": []}
    made |= {"built": False, "seconds": 0.5, "cost": 10.0, "stages": []}
    made |= {"causes": [], "slower": None, "pulled": None}
    return made | values


def process(**values: object) -> dict:
    """Return what a recorder hands over."""
    noted = {"worker": "", "pid": 1, "templates": [], "clones": [], "spans": []}
    return (
        noted
        | {"passed_through": [], "empty": 0, "mirrors": [], "findings": [], "left": []}
        | {"remote_troubles": []}
        | {"activations": {}, "facts": []}
        | values
    )


def passed(reason: str, times: int = 1) -> list[dict]:
    """Return what a recorder notes of requests that conda's own fixture served."""
    return [{"test": "t", "request": "tool", "reason": reason}] * times


def test_totals__add_up_over_processes() -> None:
    found = statistics.add_up(
        [
            process(
                templates=[template()],
                clones=[note(seconds=s / 1000) for s in range(1, 20)],
                findings=["altered"],
                passed_through=passed("--dry-run"),
            ),
            process(
                templates=[template(built=True, seconds=9.0)],
                clones=[note(seconds=1.0, fallbacks={"too many links": 3})],
                findings=["altered"],
                passed_through=passed("--dry-run", 2),
                empty=3,
            ),
        ]
    )
    (one,) = found["templates"]
    assert (one["builds"], one["reused"], one["seconds"]) == (1, 1, 9.0)
    assert found["clones"]["median"] == pytest.approx(0.0105)
    assert found["clones"]["p95"] == 0.019
    assert found["clones"]["bytes_shared"] == 40
    assert found["fallbacks"] == {"too many links": 3}
    assert found["passed_through"] == {"--dry-run": 3}
    assert found["passed_through_requests"] == passed("--dry-run", 3)
    assert found["empty"] == 3
    assert found["findings"] == ["altered"]
    assert found["saved"]["seconds"] == pytest.approx(20 * 10 - 0.19 - 1 - 0.5 - 9)
    said = [*summary.lines(found), *summary.troubles(found)]
    assert "3 files copied instead of shared: too many links" in said
    assert "3 requests passed through to the original: --dry-run" in said
    assert "3 empty environments made in this process" in said
    shown = [
        "",
        "passed through for  request  reason",
        *["t" + " " * 19 + "tool     --dry-run"] * 3,
    ]
    assert list(summary.passed_lines(found)) == shown
    assert ":warning: altered" in summary.markdown(found)
    found["findings"] = ["by\x1b[2J <img src=x>\n# ![a](http://h)"]
    shown = summary.markdown(found)
    assert r"- :warning: by\\x1b\[2J \<img src=x\>\\x0a\# \!\[a\](http\://h)" in shown


def test_saved__counts_what_was_measured_alone() -> None:
    clones = [note(), note(template="/env")]
    found = statistics.add_up([process(templates=[template()], clones=clones)])["saved"]
    assert found["seconds"] == pytest.approx(10 - 0.1 - 0.5)
    assert "1 clones" not in found["basis"]
    unknown = [template(cost=0.0)]
    found = statistics.add_up([process(templates=unknown, clones=clones)])["saved"]
    assert found["seconds"] == 0
    assert "no clone" in found["basis"]
    cheap = [template(cost=0.2)]
    found = statistics.add_up([process(templates=cheap, clones=clones)])["saved"]
    assert found["seconds"] == 0


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.00012, "0.12 ms"),
        (0.0018, "1.8 ms"),
        (0.0179, "18 ms"),
        (0.9999, "1.00 s"),
        (1.449, "1.45 s"),
        (59.999, "1m00s"),
        (1204.2, "20m04s"),
        (3599.7, "1h00m"),
        (7500, "2h05m"),
    ],
)
def test_duration__reads_well(seconds: float, text: str) -> None:
    assert duration(seconds) == text
