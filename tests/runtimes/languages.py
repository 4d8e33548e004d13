"""What the languages differ in: how a client is started, which variables it needs, and the versions of interpreters."""

import os
import pathlib
import re
import subprocess

CLIENTS = pathlib.Path(__file__).resolve().parents[2] / "host/runtimes"


class Python:
    interpreter = "python3"
    version_of = ["-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
    client = CLIENTS / "python/start.py"
    # Where AWS's client may be: a folder with the package, which is put on the module path.
    module = "awslambdaric"

    def command(self, case):
        if case.client == "aws":
            return [case.interpreter, "-m", "awslambdaric", case.handler]
        return [case.interpreter, str(self.client)]

    def variables(self, case):
        path = {"PYTHONPATH": case.aws_folder} if case.client == "aws" and case.aws_folder else {}
        return {"PYTHONDONTWRITEBYTECODE": "1", **path}

    def runtime(self, version, _semantics):
        return "python%d.%d" % version


class Ruby:
    interpreter = "ruby"
    version_of = ["-e", "puts RUBY_VERSION"]
    client = CLIENTS / "ruby/client.rb"

    def command(self, case):
        if case.client == "aws":
            return [case.interpreter, "-Eutf-8", "-S", "aws_lambda_ric", case.handler]
        return [case.interpreter, "-Eutf-8", str(self.client)]

    def variables(self, case):
        if case.client != "aws" or not case.aws_folder:
            return {}
        path = os.pathsep.join([case.aws_folder + "/bin", os.environ["PATH"]])
        return {"GEM_HOME": case.aws_folder, "GEM_PATH": case.aws_folder, "PATH": path}

    def runtime(self, version, _semantics):
        return "ruby%d.%d" % version


class Node:
    interpreter = "node"
    version_of = ["-p", "process.versions.node"]
    client = CLIENTS / "node/client.cjs"
    # Which of AWS's two clients the embedded one is to resemble.
    semantics = {"legacy": "nodejs22.x", "modern": "nodejs24.x"}

    def command(self, case):
        client = self.client
        if case.client == "aws":
            client = pathlib.Path(case.aws_folder or ".") / "aws-lambda-ric/index.mjs"
        return [case.interpreter, *self.flags(case), str(client), case.handler]

    def flags(self, case):
        """AWS's for a function of 128 MB, as far as this version of Node knows them."""
        yield from ["--expose-gc", "--max-http-header-size=81920", "--max-semi-space-size=6", "--max-old-space-size=116"]
        major, runtime = case.version[0], int(re.match(r"nodejs(\d+)", case.runtime)[1])
        if runtime in (20, 22) and major >= 20:
            yield "--no-experimental-require-module"
        if runtime == 22 and major >= 22:
            yield "--no-experimental-detect-module"

    def variables(self, _case):
        return {}

    def runtime(self, _version, semantics):
        return self.semantics[semantics]


LANGUAGES = {"node": Node(), "python": Python(), "ruby": Ruby()}


def version(language, interpreter):
    text = subprocess.check_output([interpreter, *language.version_of], text=True)
    return tuple(map(int, text.strip().split(".")[:2]))
