# SPDX-License-Identifier: BSD-3-Clause
"""One module a command, or a package a group: `add_arguments(parser)`, `run(options, console)`."""
