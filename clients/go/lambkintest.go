// Package lambkintest runs AWS Lambda functions and their triggers in tests: it starts `lambkin serve` on free ports.
//
// Start fails the test, with what Lambkin has logged, if the project does not start. At the end of the test, everything is
// stopped, and no process of the project is left.
package lambkintest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Timeout is how long a project may take to listen and to stop, and how long WaitForLog waits.
const Timeout = time.Minute

// FunctionError is the error of a function.
type FunctionError struct {
	Function     string
	ErrorType    string `json:"errorType"`
	ErrorMessage string `json:"errorMessage"`
}

func (e *FunctionError) Error() string {
	return fmt.Sprintf("%s failed: %s: %s", e.Function, e.ErrorType, e.ErrorMessage)
}

// Lambkin is a running project.
type Lambkin struct {
	t       testing.TB
	command *exec.Cmd
	ready   ready
	log     log
}

type ready struct {
	Invoke   string            `json:"invoke"`
	Triggers map[string]string `json:"triggers"`
	Services map[string]string `json:"services"`
	Outputs  map[string]string `json:"outputs"`
}

// Start runs the project in a folder, or that of a file, with further arguments of `lambkin serve`. The program is that of
// the variable LAMBKIN, else the one in PATH.
func Start(t testing.TB, project string, arguments ...string) *Lambkin {
	t.Helper()
	lambkin, err := start(t, project, arguments)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(lambkin.stop)
	return lambkin
}

func start(t testing.TB, project string, arguments []string) (*Lambkin, error) {
	program := os.Getenv("LAMBKIN")
	if program == "" {
		program = "lambkin"
	}
	project, err := filepath.Abs(project)
	if err != nil {
		return nil, err
	}
	command := exec.Command(program, append([]string{"serve", "--json", "--free-ports"}, arguments...)...)
	command.Dir = project
	if about, err := os.Stat(project); err == nil && !about.IsDir() {
		command.Dir = filepath.Dir(project)
		command.Args = append(command.Args, "--config", project)
	}
	lambkin := &Lambkin{t: t, command: command}
	lambkin.log.changed = sync.NewCond(&lambkin.log.lock)
	command.Stderr = &lambkin.log
	out, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("install lambkin, or set LAMBKIN to its path: %w", err)
	}
	timer := time.AfterFunc(Timeout, func() { command.Process.Kill() })
	line, err := bufio.NewReader(out).ReadBytes('\n')
	timer.Stop()
	if err != nil {
		command.Wait()
		return nil, fmt.Errorf("lambkin serve did not start:\n%s", lambkin.Log())
	}
	return lambkin, json.Unmarshal(line, &lambkin.ready)
}

func (l *Lambkin) stop() {
	timer := time.AfterFunc(Timeout, func() { l.command.Process.Kill() })
	defer timer.Stop()
	l.command.Process.Signal(syscall.SIGTERM)
	l.command.Wait()
}

// Invoke invokes a function by its name, logical id or ARN, and reads its result into `result`, which may be nil. It fails the
// test if the function fails.
func (l *Lambkin) Invoke(function string, event, result any) {
	l.t.Helper()
	if err := l.TryInvoke(function, event, result); err != nil {
		l.t.Fatal(err)
	}
}

// TryInvoke invokes a function as Invoke does, and returns a *FunctionError if the function fails.
func (l *Lambkin) TryInvoke(function string, event, result any) error {
	payload, err := json.Marshal(event)
	if err != nil {
		return err
	}
	address := l.ready.Invoke + "/2015-03-31/functions/" + url.PathEscape(function) + "/invocations"
	response, err := http.Post(address, "application/json", bytes.NewReader(payload))
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s was not invoked: %s %s", function, response.Status, body)
	}
	if response.Header.Get("X-Amz-Function-Error") != "" {
		failed := &FunctionError{Function: function}
		return errors.Join(json.Unmarshal(body, failed), failed)
	}
	if result == nil {
		return nil
	}
	return json.Unmarshal(body, result)
}

// URL is that of a trigger or of a service, without a `/` at its end.
func (l *Lambkin) URL(name string) string {
	l.t.Helper()
	if address, ok := l.ready.Triggers[name]; ok {
		return address
	}
	if address, ok := l.ready.Services[name]; ok {
		return address
	}
	var known []string
	for _, names := range []map[string]string{l.ready.Triggers, l.ready.Services} {
		for name := range names {
			known = append(known, name)
		}
	}
	sort.Strings(known)
	l.t.Fatalf("there is no trigger and no service %q with a URL; there are: %s", name, strings.Join(known, ", "))
	return ""
}

// Outputs are those of the project's templates.
func (l *Lambkin) Outputs() map[string]string {
	return l.ready.Outputs
}

// Log is what functions and Lambkin have logged so far.
func (l *Lambkin) Log() string {
	l.log.lock.Lock()
	defer l.log.lock.Unlock()
	return l.log.text.String()
}

// WaitForLog waits until a text was logged.
func (l *Lambkin) WaitForLog(text string) {
	l.t.Helper()
	end := time.Now().Add(Timeout)
	wake := time.AfterFunc(Timeout, l.log.changed.Broadcast)
	defer wake.Stop()
	l.log.lock.Lock()
	defer l.log.lock.Unlock()
	for !strings.Contains(l.log.text.String(), text) {
		if time.Now().After(end) {
			l.t.Fatalf("%q was not logged:\n%s", text, l.log.text.String())
		}
		l.log.changed.Wait()
	}
}

type log struct {
	lock    sync.Mutex
	changed *sync.Cond
	text    strings.Builder
}

func (l *log) Write(bytes []byte) (int, error) {
	l.lock.Lock()
	defer l.lock.Unlock()
	defer l.changed.Broadcast()
	return l.text.Write(bytes)
}
