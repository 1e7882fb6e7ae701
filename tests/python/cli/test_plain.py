# SPDX-License-Identifier: BSD-3-Clause
"""What is read without argparse is what argparse reads; all else is left to it."""

from __future__ import annotations

import pytest

from cenv.cli import main, parser, plain

COMMAND = ["--", "true"]
SETTLED = [
    [],
    ["data"],
    ["data", "tool >1", "", "a=1=*"],
    ["-c", "one", "data", "--channel", "two"],
    ["--override-channels", "-c", "one", "data", "--offline", "tool"],
    ["--keep", "D", "--no-activate", "--fallback", "--store", "S", "--store", "T"],
    ["--json", "-q", "--quiet", "-y", "--trace", "T"],
    ["--platform", "linux-64", "--channel-priority", "strict", "--exclude-newer", "7d"],
    ["--file", "a.yml", "--file", "b.yml", "--category", "dev"],
    ["--with", "a.yml", "data", "--file", "b.yml", "--with", "c.yml"],
]
LEFT = [
    ["--help"],
    ["-h"],
    ["-v"],
    ["--store=S"],
    ["-cone"],
    ["-qy"],
    ["--stor", "S"],
    ["--nonsense"],
    ["-"],
    ["--store"],
    ["--store", "-x"],
    ["-c", "--offline"],
    ["--channel-priority", "often"],
]


@pytest.mark.parametrize("words", SETTLED, ids=" ".join)
@pytest.mark.parametrize("command", [["true"], ["sh", "-c", "--", "--help"], []])
def test_plain__is_what_argparse_reads(words: list[str], command: list[str]) -> None:
    argv = ["exec", *words, "--", *command]
    assert vars(plain.read(argv)) == vars(parser.parse(argv))


@pytest.mark.parametrize("words", LEFT, ids=" ".join)
def test_plain__leaves_the_rest_to_argparse(words: list[str]) -> None:
    assert plain.read(["exec", "data", *words, *COMMAND]) is None


@pytest.mark.parametrize(
    "argv", [[], ["exec"], ["exec", "data"], ["run", "p", *COMMAND], ["-q", "exec"]]
)
def test_plain__reads_one_command_alone(argv: list[str]) -> None:
    assert plain.read(argv) is None


def test_plain__keeps_nothing_from_one_line_to_the_next() -> None:
    for _twice in range(2):
        found = plain.read(["exec", "data", "-c", "one", *COMMAND])
        assert (found.specs, found.channels) == (["data"], ["one"])


def test_exec__tells_of_a_wrong_option(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["exec", "data", "--nonsense", *COMMAND]) == 2
    assert "unrecognized arguments: --nonsense" in capsys.readouterr().err
