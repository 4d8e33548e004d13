package lambkintest

import (
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const bootstrap = `#!/bin/bash
api="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation"
while true; do
  event=$(curl -sS -D headers.$$ "$api/next")
  id=$(grep -i ^lambda-runtime-aws-request-id headers.$$ | tr -d '\r' | cut -d ' ' -f 2)
  echo "got $event" >&2
  case $event in
    *fail*) curl -sS "$api/$id/error" -d '{"errorMessage":"as asked","errorType":"Asked"}' >/dev/null ;;
    *) curl -sS "$api/$id/response" -d '{"statusCode":200,"body":"hello"}' >/dev/null ;;
  esac
done
`

const config = `
[functions.hello]
code = "hello"
[triggers.web]
plugin = "api-gateway-http"
listen = "127.0.0.1:3000"
routes = { "$default" = "hello" }
`

func project(t *testing.T) string {
	folder := t.TempDir()
	write := func(name, text string, mode os.FileMode) {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	write("hello/bootstrap", bootstrap, 0o755)
	write("lambkin.toml", config, 0o644)
	write("wrong.toml", "[functions.hello]\ncode = 'nowhere'\n", 0o644)
	return folder
}

func TestAProjectIsInvokedAndCalled(t *testing.T) {
	lambkin := Start(t, project(t))
	var reply struct{ Body string }
	lambkin.Invoke("hello", map[string]any{"n": 1}, &reply)
	if reply.Body != "hello" {
		t.Fatal(reply)
	}
	response, err := http.Get(lambkin.URL("web") + "/x")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if body, _ := io.ReadAll(response.Body); string(body) != "hello" {
		t.Fatalf("%s", body)
	}
	lambkin.WaitForLog(`got {"n":1}`)
	err = lambkin.TryInvoke("hello", map[string]any{"fail": true}, nil)
	var failed *FunctionError
	if !errors.As(err, &failed) || failed.ErrorMessage != "as asked" {
		t.Fatal(err)
	}
	if err := lambkin.TryInvoke("other", nil, nil); err == nil || !strings.Contains(err.Error(), "404") {
		t.Fatal(err)
	}
}

func TestAMistakeIsTold(t *testing.T) {
	_, err := start(t, filepath.Join(project(t), "wrong.toml"), nil)
	if err == nil || !strings.Contains(err.Error(), "nowhere") {
		t.Fatal(err)
	}
	t.Setenv("LAMBKIN", "/missing/lambkin")
	_, err = start(t, project(t), nil)
	if err == nil || !strings.Contains(err.Error(), "set LAMBKIN") {
		t.Fatal(err)
	}
}
