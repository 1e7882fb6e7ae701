# SPDX-License-Identifier: BSD-3-Clause
"""Virtual packages of a machine with devices, by drivers made for the test."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

_DRIVER = "int cuDriverGetVersion(int *v) { *v = 12040; return 0; }"

# Three devices, of which the last does not answer.
_NVML = """
static int open;
int nvmlInit_v2(void) { open++; return BEGIN; }
int nvmlShutdown(void) { open--; return 0; }
int nvmlDeviceGetCount_v2(unsigned *nr) { *nr = COUNT; return open != 1; }
int nvmlDeviceGetHandleByIndex_v2(unsigned i, void **d) { *d = (char *)0 + i; return 0; }
int nvmlDeviceGetCudaComputeCapability(void *d, int *major, int *minor)
{
    static const int all[3][2] = {{10, 0}, {8, 6}, {5, 0}};
    unsigned long i = (unsigned long)d;
    *major = all[i][0];
    *minor = all[i][1];
    return i == 2;
}
"""

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="the drivers are shared objects of Linux"
)


def _build(directory: Path, name: str, source: str, *flags: str) -> None:
    compiler = shutil.which("cc") or shutil.which("gcc")
    assert compiler, "no C compiler is installed"
    command = [compiler, "-shared", "-fPIC", *flags, "-xc", "-", "-o"]
    command.append(str(directory / name))
    subprocess.run(command, input=source, text=True, check=True)


def _found(directory: Path, **overrides: str) -> dict[str, str]:
    """Return name and version of the CUDA packages of a process with these drivers."""
    code = (
        "import json; from cenv.solving.virtual_packages import virtual_packages as v;"
        "print(json.dumps({n: x for n, x, _ in v() if n.startswith('__cuda')}))"
    )
    env = {**os.environ, "LD_LIBRARY_PATH": str(directory), **overrides}
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, check=True, capture_output=True
    )
    found: dict[str, str] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize(
    ("begin", "count", "arch"), [(0, 3, "8.6"), (0, 0, None), (9, 3, None)]
)
def test_cuda_arch__is_the_lowest_of_the_devices(
    tmp_path: Path, begin: int, count: int, arch: str | None
) -> None:
    _build(tmp_path, "libcuda.so.1", _DRIVER)
    flags = (f"-DBEGIN={begin}", f"-DCOUNT={count}")
    _build(tmp_path, "libnvidia-ml.so.1", _NVML, *flags)
    want = {"__cuda": "12.4"} | ({"__cuda_arch": arch} if arch else {})
    assert _found(tmp_path) == want


def test_cuda_arch__follows_its_variable_and_the_driver(tmp_path: Path) -> None:
    _build(tmp_path, "libcuda.so.1", _DRIVER)
    want = {"__cuda": "12.4", "__cuda_arch": "9.0"}
    assert _found(tmp_path, CONDA_OVERRIDE_CUDA_ARCH="9.0") == want
    off = {"CONDA_OVERRIDE_CUDA": "", "CONDA_OVERRIDE_CUDA_ARCH": "9.0"}
    assert _found(tmp_path, **off) == {}
