#!/usr/bin/env python3
"""Runs the tables of tests/cases/runtimes against a runtime client, with a Runtime API of its own.

    run.py python --interpreter ~/.pyenv/versions/3.13.0/bin/python      # Lambkin's client
    run.py python --client aws --aws-folder FOLDER                       # awslambdaric, installed in that folder
    run.py node --client aws --aws-folder node_modules --semantics modern
    run.py ruby --only R9 --verbose

The format of the tables is described in tests/cases/runtimes/README.md. A case fails with a line for every difference;
the exit status is 1 if any case failed. Standard library only, Python 3.8 or later.
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import shutil
import sys

from case import Case
from languages import LANGUAGES, version

TABLES = pathlib.Path(__file__).resolve().parents[1] / "cases/runtimes"


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("language", choices=sorted(LANGUAGES))
    arguments.add_argument("--client", choices=["lambkin", "aws"], default="lambkin")
    arguments.add_argument("--aws-folder", help="where AWS's client is installed (pip --target, node_modules, GEM_HOME)")
    arguments.add_argument("--interpreter", help="default: the one on PATH")
    arguments.add_argument("--semantics", help="only these, where a table has several")
    arguments.add_argument("--only", default="", help="rows that begin with this")
    arguments.add_argument("--jobs", type=int, default=4)
    arguments.add_argument("--verbose", action="store_true")
    options = arguments.parse_args()
    language = LANGUAGES[options.language]
    options.interpreter = options.interpreter or shutil.which(language.interpreter)
    options.aws_folder = options.aws_folder and os.path.realpath(options.aws_folder)
    if not options.interpreter:
        sys.exit("run.py: there is no %s on PATH; --interpreter names one" % language.interpreter)
    options.version = version(language, options.interpreter)
    table = json.loads((TABLES / (options.language + ".json")).read_text("utf-8"))
    semantics = [options.semantics] if options.semantics else getattr(language, "semantics", [None])
    cases = [Case(table, case, language, options, each) for each in semantics for case in table["cases"]]
    cases = [case for case in cases if case.applies() and case.case["row"].startswith(options.only)]
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for case, problems in zip(cases, pool.map(Case.run, cases)):
            failed += bool(problems)
            if problems or options.verbose:
                print("%s %s" % ("FAIL" if problems else "ok  ", case.title()))
            for problem in problems:
                print("  " + problem.replace("\n", "\n  "))
    release = "%d.%d" % options.version
    print("%s client, %s %s: %d cases, %d failed" % (options.client, options.language, release, len(cases), failed))
    return 1 if failed or not cases else 0


if __name__ == "__main__":
    sys.exit(main())
