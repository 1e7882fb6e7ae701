# SPDX-License-Identifier: BSD-3-Clause
"""What conda ships for tests."""
