"""Of a bundle's Python: where bytecode goes if the bundle cannot be written to."""

import os
import sys

# Without pathlib, whose import would cost every start some milliseconds.
_ROOT = sys.base_prefix.rpartition("/")[0]
_CACHE = os.environ.get("HISTOCNN_CACHE")
if _CACHE and sys.pycache_prefix is None and not os.access(_ROOT, os.W_OK):
    sys.pycache_prefix = f"{_CACHE}/bytecode"
