# SPDX-License-Identifier: BSD-3-Clause
"""One module a command: `add_arguments(parser)` and `run(options, console)`."""
