"""Runs bootstrap.py beside it as the main program, from Python's cache of compiled modules.

Python compiles a script at each start and keeps compiled modules only. This file is short, so that bootstrap.py, which
can be started directly as well, costs no time to compile.
"""

import importlib
import importlib.machinery
import os
import sys

sys.argv[0] = __file__ = os.path.join(os.path.dirname(os.path.abspath(__file__)), "bootstrap.py")
_function_keeps_none, sys.dont_write_bytecode = sys.dont_write_bytecode, False
_code = importlib.machinery.SourceFileLoader("__main__", __file__).get_code("__main__")
importlib.import_module("lambkin_values")  # which bootstrap.py imports: kept as well
sys.dont_write_bytecode = _function_keeps_none
exec(_code)
