# SPDX-License-Identifier: BSD-3-Clause
"""Types of the extension module; checked against it by stubtest."""

__version__: str
