# SPDX-License-Identifier: BSD-3-Clause
"""JSON by the parts in C of Python's own module: the rest takes longer to load than a mount."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from json import dumps as dumps
    from json import loads as loads
else:
    try:
        if sys.version_info >= (3, 15):  # these parts are CPython's own to change
            raise ImportError
        import _json
    except ImportError:  # or not CPython
        from json import dumps, loads
    else:

        class _Reading:
            strict = True
            object_hook = object_pairs_hook = parse_constant = None
            parse_float, parse_int = float, int

        _scan = _json.make_scanner(_Reading)

        def loads(text):
            """Return what a text says; ValueError or TypeError where it is no JSON."""
            try:
                value, end = _scan(text, 0)
            except StopIteration:
                raise ValueError("no JSON") from None
            if text[end:].strip():
                raise ValueError("more than JSON")
            return value

        def dumps(value):
            """Return the text that json.dumps does."""
            open_now = {}  # what is being written, so that no circle goes on for ever
            quote = _json.encode_basestring_ascii
            how = open_now, _refuse, quote, None, ": ", ", ", False, False, False
            return "".join(_json.make_encoder(*how)(value, 0))

        def _refuse(value):
            raise TypeError(f"no JSON: {value!r}")
