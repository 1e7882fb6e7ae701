# SPDX-License-Identifier: BSD-3-Clause
"""What is made of traces: causes, differences, advice that was tried, and pages of them."""
