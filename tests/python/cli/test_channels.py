# SPDX-License-Identifier: BSD-3-Clause
"""Which channels a command takes: those named, the configured ones, or neither."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from cenv.cli import main
from cenv.demo.package import Package


@pytest.fixture(autouse=True)
def _configured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_channel: Callable[..., Path]
) -> None:
    """Configure a channel that has `secret`, beside one of `mine`."""
    (tmp_path / "mine").symlink_to(make_channel(Package("mine", "1")))
    (tmp_path / "configured").symlink_to(make_channel(Package("secret", "1")))
    (tmp_path / "rc.yml").write_text(f"channels: [{tmp_path}/configured]")
    monkeypatch.setenv("CONDARC", str(tmp_path / "rc.yml"))
    monkeypatch.setenv("CENV_STORE", str(tmp_path / "store"))
    monkeypatch.chdir(tmp_path)


def failure(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    """Return the message of a command that fails."""
    assert main(["--json", *argv]) != 0
    return str(json.loads(capsys.readouterr().out)["error"]["message"])


def test_override_channels__alone_is_an_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["solve", "secret"]) == 0
    capsys.readouterr()
    said = failure(capsys, "solve", "--override-channels", "secret")
    assert said == "--override-channels leaves no channel"
    assert "secret" in failure(
        capsys, "solve", "--override-channels", "-c", "./mine", "secret"
    )


def test_override_channels__can_be_switched_off(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONDA_OVERRIDE_CHANNELS_ENABLED", "no")
    said = failure(capsys, "solve", "--override-channels", "-c", "./mine", "mine")
    assert "switched off by override_channels_enabled ($CONDA_" in said


def test_nodefaults__shuts_the_configured_channels_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "environment.yml"
    text = "channels: [./mine{}]\ndependencies: [mine, secret]\n"
    file.write_text(text.format(""))
    assert main(["solve", "--file", str(file)]) == 0
    capsys.readouterr()
    file.write_text(text.format(", nodefaults"))
    assert "secret" in failure(capsys, "solve", "--file", str(file))


def test_register__can_be_switched_off(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONDA_REGISTER_ENVS", "false")
    said = failure(capsys, "clone", "--register", str(tmp_path), str(tmp_path / "c"))
    assert "switched off by register_envs ($CONDA_REGISTER_ENVS)" in said
    assert not (tmp_path / "c").exists()
