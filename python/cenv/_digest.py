# SPDX-License-Identifier: BSD-3-Clause
"""SHA-256 of what is in memory, whose failure says what it is."""

from __future__ import annotations


def sha256_hex(data: bytes) -> str:
    """Return the SHA-256 in hex. Where memory runs out OpenSSL has hashlib raise ValueError."""
    import hashlib  # only here: OpenSSL is large

    try:
        return hashlib.sha256(data).hexdigest()
    except ValueError as failure:
        raise MemoryError("out of memory") from failure
