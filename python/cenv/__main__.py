# SPDX-License-Identifier: BSD-3-Clause
"""`python -m cenv`."""

import sys

from cenv.cli import main

if __name__ == "__main__":
    sys.exit(main())
