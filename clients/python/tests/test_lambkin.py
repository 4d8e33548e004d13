"""Runs against a project of two functions in bash. LAMBKIN names the program."""

import os
import pathlib
import tempfile
import unittest
import urllib.request

from pytest_lambkin import FunctionError, Lambkin, LambkinError

BOOTSTRAP = """#!/bin/bash
api="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation"
while true; do
  event=$(curl -sS -D headers.$$ "$api/next")
  id=$(grep -i ^lambda-runtime-aws-request-id headers.$$ | tr -d '\\r' | cut -d ' ' -f 2)
  echo "got $event" >&2
  case $event in
    *fail*) curl -sS "$api/$id/error" -d '{"errorMessage":"as asked","errorType":"Asked"}' >/dev/null ;;
    *) curl -sS "$api/$id/response" -d '{"statusCode":200,"body":"hello"}' >/dev/null ;;
  esac
done
"""
CONFIG = """
[functions.hello]
code = "hello"
[triggers.web]
plugin = "api-gateway-http"
listen = "127.0.0.1:3000"
routes = { "$default" = "hello" }
"""


def project(folder):
    folder = pathlib.Path(folder)
    (folder / "hello").mkdir()
    (folder / "hello" / "bootstrap").write_text(BOOTSTRAP)
    (folder / "hello" / "bootstrap").chmod(0o755)
    (folder / "lambkin.toml").write_text(CONFIG)
    return folder


class Running(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def test_a_project_is_invoked_called_and_stopped(self):
        with Lambkin(project(self.folder.name)) as lambkin:
            self.assertEqual(lambkin.invoke("hello", {"n": 1})["body"], "hello")
            with urllib.request.urlopen(lambkin.url("web") + "/x") as response:
                self.assertEqual(response.read(), b"hello")
            self.assertIn('got {"n": 1}', lambkin.wait_for_log('got {"n": 1}'))
            with self.assertRaises(FunctionError) as failed:
                lambkin.invoke("hello", {"fail": True})
            self.assertEqual(failed.exception.payload["errorMessage"], "as asked")
            with self.assertRaisesRegex(LambkinError, "there are: web"):
                lambkin.url("wbe")
            with self.assertRaisesRegex(LambkinError, "404"):
                lambkin.invoke("other")
            process = lambkin._process
        self.assertIsNotNone(process.poll())

    def test_a_mistake_is_told(self):
        folder = project(self.folder.name)
        (folder / "lambkin.toml").write_text("[functions.hello]\ncode = 'nowhere'\n")
        with self.assertRaisesRegex(LambkinError, "nowhere"):
            Lambkin(folder / "lambkin.toml").start()
        with self.assertRaisesRegex(LambkinError, "set LAMBKIN"):
            Lambkin(folder, program=os.path.join(self.folder.name, "missing")).start()


if __name__ == "__main__":
    unittest.main()
