# SPDX-License-Identifier: BSD-3-Clause
"""The .condarc search path, merged as conda documents it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cenv.config.config import SEARCH_PATH, Config, load
from cenv.errors import UsageError


def merged(tmp_path: Path, *texts: str, **environ: str) -> Config:
    """Load files of rising precedence."""
    files = []
    for i, text in enumerate(texts):
        files.append(tmp_path / f"{i}.yml")
        files[-1].write_text(text, encoding="utf-8")
    return load({"HOME": "/home/me", **environ}, [str(f) for f in files])


def test_load__gives_defaults(tmp_path: Path) -> None:
    config = load({}, [])
    assert config == Config()
    assert config.channels == ()
    assert config.channel_alias == "https://conda.anaconda.org"
    assert config.channel_priority == "flexible"
    assert config.add_pip_as_python_dependency is False
    assert config.custom_channels == {"pkgs/pro": "https://repo.anaconda.com"}


LOW = "channels: [low1, both, low2]"
CASES: dict[str, tuple[tuple[str, ...], dict[str, str], dict[str, Any]]] = {
    "later lists come first": (
        (LOW, "channels: [high, both]"),
        {},
        {"channels": ("high", "both", "low1", "low2")},
    ),
    "final stops what is above": (
        ("channels: #!final\n  - a\n", "channels: [b]"),
        {},
        {"channels": ("a",)},
    ),
    "final keeps what is below": (
        ("channels: [a]", "channels: [b] #!final", "channels: [c]"),
        {},
        {"channels": ("b", "a")},
    ),
    "top goes before all": (
        ("channels:\n  - a #!top\n  - b\n", "channels: [c]"),
        {},
        {"channels": ("a", "c", "b")},
    ),
    "bottom goes after all": (
        ("channels: [a]", "channels:\n  - b #!bottom\n  - c\n"),
        {},
        {"channels": ("c", "a", "b")},
    ),
    "bottom of a lower file stays last": (
        ("channels: [a, z] \n", "channels:\n - y  #!bottom\n", "channels: [m]"),
        {},
        {"channels": ("m", "a", "z", "y")},
    ),
    "two bottoms: the lower file's last": (
        ("channels:\n - z #!bottom\n", "channels:\n - y #!bottom\n - m\n"),
        {},
        {"channels": ("m", "y", "z")},
    ),
    "a comment that is no flag": (
        ("channels:\n  - a # top\n  - b # !top of the list\n",),
        {},
        {"channels": ("a", "b")},
    ),
    "a comment line below an item is none of its flags": (
        ("channels:\n  - a\n  #!top\n  - b\n", "channels: [c]"),
        {},
        {"channels": ("c", "a", "b")},
    ),
    "alias of the key": (("channel: [a]",), {}, {"channels": ("a",)}),
    "variables come first": (
        (LOW,),
        {"CONDA_CHANNELS": "env1, both,"},
        {"channels": ("env1", "both", "low1", "low2")},
    ),
    "variable by alias": ((), {"CONDA_CHANNEL": "a"}, {"channels": ("a",)}),
    "nothing said": (("channels:\n",), {}, {"channels": ()}),
    "empty file": (("",), {}, {}),
    "comments only": (("# nothing\n",), {}, {}),
    "scalar: the last wins": (
        ("channel_priority: strict", "channel_priority: disabled"),
        {},
        {"channel_priority": "disabled"},
    ),
    "scalar: final wins": (
        ("channel_priority: strict  #!final", "channel_priority: disabled"),
        {"CONDA_CHANNEL_PRIORITY": "flexible"},
        {"channel_priority": "strict"},
    ),
    "scalar: a variable wins": (
        ("channel_priority: strict",),
        {"CONDA_CHANNEL_PRIORITY": "Flexible"},
        {"channel_priority": "flexible"},
    ),
    "an important variable": (
        (),
        {"CONDA_CHANNEL_PRIORITY": "strict!important"},
        {"channel_priority": "strict"},
    ),
    "priority true": (
        ("channel_priority: true",),
        {},
        {"channel_priority": "flexible"},
    ),
    "priority false": (("channel_priority: no",), {}, {"channel_priority": "disabled"}),
    "booleans": (
        ("add_pip_as_python_dependency: yes",),
        {},
        {"add_pip_as_python_dependency": True},
    ),
    "boolean variable": (
        ("add_pip_as_python_dependency: true",),
        {"CONDA_ADD_PIP_AS_PYTHON_DEPENDENCY": "0"},
        {"add_pip_as_python_dependency": False},
    ),
    "variables are expanded": (
        ("channels: ['https://${USER}:$PASS@h/c', ~/chan, '$NOT_SET/x']",),
        {"USER": "me", "PASS": "p"},
        {"channels": ("https://me:p@h/c", "/home/me/chan", "$NOT_SET/x")},
    ),
    "alias expanded": (
        ("channel_alias: https://$HOST/conda",),
        {"HOST": "h"},
        {"channel_alias": "https://h/conda"},
    ),
    "maps are merged by key": (
        (
            "custom_channels:\n  a: https://one\n  b: https://b\n",
            "custom_channels:\n  a: https://two\n",
        ),
        {},
        {"custom_channels": {"a": "https://two", "b": "https://b"}},
    ),
    "a final key of a map": (
        (
            "custom_channels:\n  a: https://one  #!final\n",
            "custom_channels:\n  a: https://two\n  b: https://b\n",
        ),
        {},
        {"custom_channels": {"a": "https://one", "b": "https://b"}},
    ),
    "a final map": (
        (
            "custom_channels:  #!final\n  a: https://one\n",
            "custom_channels:\n  b: https://b\n",
        ),
        {},
        {"custom_channels": {"a": "https://one"}},
    ),
    "lists in maps are merged": (
        (
            "custom_multichannels:\n  m: [a, b]\n",
            "custom_multichannels:\n  m: [c, a]\n  n: [d]\n",
        ),
        {},
        {"custom_multichannels": {"m": ("c", "a", "b"), "n": ("d",)}},
    ),
    "default channels": (
        ("default_channels: ['https://h/a']",),
        {},
        {"default_channels": ("https://h/a",)},
    ),
    "what the network needs": (
        (
            "verify_ssl: false\nclient_cert: ~/c.pem\nremote_max_retries: 0\n"
            "remote_read_timeout_secs: 2.5\nproxy_servers: {https: http://p:1}\n",
            "proxy_servers: {'http://h': $HOME}\noffline: yes\n",
        ),
        {"CONDA_REPODATA_USE_SHARDS": "0", "HOME": "/home"},
        {
            "ssl_verify": False,
            "client_ssl_cert": "/home/c.pem",
            "remote_max_retries": 0,
            "remote_read_timeout_secs": 2.5,
            "proxy_servers": {"https": "http://p:1", "http://h": "/home"},
            "offline": True,
            "repodata_use_shards": False,
        },
    ),
    "certificates of the system": (
        ("ssl_verify: truststore",),
        {},
        {"ssl_verify": "truststore"},
    ),
    "keys of others are passed over": (
        ("pkgs_dirs: [1, {a: !!str b}]\nchannels: [a]\nshortcuts: 3\nmine: x\n",),
        {"CONDA_PREFIX": "/p", "CONDA_SHLVL": "1"},
        {"channels": ("a",)},
    ),
    "names that look like numbers": (
        ("channels: [2024, 1.5]",),
        {},
        {"channels": ("2024", "1.5")},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_load__merges_as_conda_does(tmp_path: Path, case: str) -> None:
    texts, environ, wanted = CASES[case]
    assert merged(tmp_path, *texts, **environ) == Config(**wanted)


BAD = {
    "not YAML": ("channels: [a\nb: c\n", "0.yml, line 2"),
    "a list": ("- a\n", "0.yml, line 1"),
    "a text": ("hello\n", "0.yml, line 1"),
    "a key twice": ("channels: [a]\nchannels: [b]\n", "0.yml, line 2"),
    "both names of a key": ("a: 1\nchannels: [a]\nchannel: [b]\n", "0.yml, line 3"),
    "channels a text": (
        "\nchannels: conda-forge\n",
        "0.yml, line 2: channels: expected a list of texts, not the text",
    ),
    "channels of maps": ("channels:\n  - a\n  - b: c\n", "0.yml, line 3"),
    "priority": (
        "channel_priority: strictest\n",
        '0.yml, line 1: channel_priority: "str',
    ),
    "alias without scheme": ("channel_alias: conda.org\n", "0.yml, line 1"),
    "custom_channels a list": (
        "custom_channels: [a]\n",
        "0.yml, line 1: custom_channels: expected a map, not a list",
    ),
    "boolean": ("add_pip_as_python_dependency: maybe\n", "0.yml, line 1"),
}


@pytest.mark.parametrize("case", BAD)
def test_load__names_file_and_line_of_a_mistake(tmp_path: Path, case: str) -> None:
    text, says = BAD[case]
    with pytest.raises(UsageError) as caught:
        merged(tmp_path, text)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_load__refuses_bytes_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "0.yml").write_bytes(b"channels: [\xff\xfe]")
    with pytest.raises(UsageError, match=r"0\.yml"):
        load({}, [str(tmp_path / "0.yml")])


def test_load__names_a_bad_variable() -> None:
    with pytest.raises(UsageError, match=r"\$CONDA_CHANNEL_PRIORITY"):
        load({"CONDA_CHANNEL_PRIORITY": "best"}, [])


def test_search_path__has_condas_order(tmp_path: Path) -> None:
    places = {"CONDA_ROOT": "root", "XDG_CONFIG_HOME": "xdg", "CONDA_PREFIX": "prefix"}
    environ = {key: str(tmp_path / name) for key, name in places.items()}
    environ["HOME"] = str(tmp_path / "home")
    environ["CONDARC"] = str(tmp_path / "last.yml")
    files = [
        "root/.condarc",
        "root/condarc",
        "root/condarc.d/a.yml",
        "root/condarc.d/b.yaml",
        "xdg/conda/.condarc",
        "home/.config/conda/condarc",
        "home/.conda/.condarc",
        "home/.condarc",
        "prefix/.condarc",
        "prefix/condarc.d/z.yml",
        "last.yml",
    ]
    for i, name in enumerate([*files, "root/condarc.d/ignored.txt", "home/condarc"]):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"channels: [c{i}]\n")
    wanted = tuple(f"c{i}" for i in reversed(range(len(files))))
    search = [place for place in SEARCH_PATH if not place.startswith(("/etc", "/var"))]
    assert load(environ, search).channels == wanted
    assert SEARCH_PATH[0] == "/etc/conda/.condarc"
    assert SEARCH_PATH[-1] == "$CONDARC"


def test_search_path__finds_the_root_by_conda_itself(tmp_path: Path) -> None:
    (tmp_path / ".condarc").write_text("channels: [a]\n")
    environ = {"CONDA_EXE": str(tmp_path / "bin" / "conda")}
    assert load(environ, ["$CONDA_ROOT/.condarc"]).channels == ("a",)


def test_load__names_an_unreadable_file(tmp_path: Path) -> None:
    file = tmp_path / ".condarc"
    file.write_text("channels: [a]\n")
    file.chmod(0)
    if os.access(file, os.R_OK):  # root reads everything: a directory stands in its way
        file.unlink()
        return
    with pytest.raises(PermissionError) as caught:
        load({}, [str(file)])
    assert caught.value.filename == str(file)


def test_load__imports_yaml_only_for_a_file() -> None:
    code = (
        "import sys; from cenv.config.config import load; load({}, []);"
        "sys.exit(any(name.startswith('ruamel.yaml') for name in sys.modules))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
