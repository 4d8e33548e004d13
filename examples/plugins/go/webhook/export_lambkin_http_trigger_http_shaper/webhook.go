// Package export_lambkin_http_trigger_http_shaper is a webhook receiver: it checks the signature of each request and
// makes an event of it.
//
// Configure runs once, and what it returns as State is passed to Shape (a request becomes an event) and Resume (what
// became of the event becomes a response). The contract is described in wit/deps/http-trigger. The generated code
// imports the package by this name.
package export_lambkin_http_trigger_http_shaper

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"runtime/debug"
	"slices"
	"strings"

	. "go.bytecodealliance.org/pkg/wit/types"
	. "wit_component/lambkin_http_trigger_http_shaper"
)

const (
	secretVariable  = "WEBHOOK_SECRET"
	signatureHeader = "x-hub-signature-256"
	maxBodyBytes    = 1 << 20
)

// An instance serves one call (Setup.Reusable), so collecting garbage is wasted time. It also must not begin while the
// host copies an argument into the instance.
func init() {
	debug.SetGCPercent(-1)
}

type state struct {
	Function, Path, Secret string
}

type event struct {
	ID       string            `json:"id"`
	Time     uint64            `json:"time"`
	Headers  map[string]string `json:"headers"`
	Body     string            `json:"body"`
	IsBase64 bool              `json:"isBase64Encoded"`
}

// Configure checks the settings and reports every mistake at once.
func Configure(config string, surroundings Surroundings) Result[Setup, []Problem] {
	var problems []Problem
	problem := func(at []string, message string) {
		problems = append(problems, Problem{At: at, Message: message})
	}
	var settings map[string]any
	if err := json.Unmarshal([]byte(config), &settings); err != nil {
		panic(err) // the host sends a JSON object
	}
	setup := state{Path: "/webhook"}
	for key, value := range settings {
		text, isString := value.(string)
		switch key {
		case "function":
			setup.Function = text
			if !isString {
				problem([]string{key}, "has to be a string: the name of a function")
			}
		case "path":
			setup.Path = text
			if !strings.HasPrefix(text, "/") {
				problem([]string{key}, "has to be a string that begins with /")
			}
		default:
			problem([]string{key}, "is not a setting of this plugin: its settings are function and path")
		}
	}
	if _, ok := settings["function"]; !ok {
		problem(nil, "needs function: the function that receives the events")
	}
	for _, variable := range surroundings.Environment {
		if variable.F0 == secretVariable {
			setup.Secret = variable.F1
		}
	}
	if setup.Secret == "" {
		problem(nil, "needs the variable WEBHOOK_SECRET: set it, and list it in pass-environment")
	}
	if problems != nil {
		slices.SortFunc(problems, func(a, b Problem) int { return slices.Compare(a.At, b.At) })
		return Err[Setup](problems)
	}
	return Ok[Setup, []Problem](Setup{
		State:        toJSON(setup),
		Functions:    []FunctionReference{{Name: setup.Function, At: []string{"function"}}},
		MaxBodyBytes: maxBodyBytes,
		Reusable:     false,
		Summary:      []string{"POST " + setup.Path + " -> " + setup.Function},
	})
}

// Shape decides what to do with a request.
func Shape(stateText string, request Request) Result[Step, string] {
	var state state
	if err := json.Unmarshal([]byte(stateText), &state); err != nil {
		return Err[Step](err.Error())
	}
	if request.Path != state.Path {
		return refuse(404, "Not Found")
	}
	if request.Method != "POST" {
		return reply(405, `{"message":"Method Not Allowed"}`, Tuple2[string, string]{"Allow", "POST"})
	}
	var body []byte
	switch request.Body.Tag() {
	case RequestBody_Text:
		body = []byte(request.Body.Text())
	case RequestBody_Binary:
		body = request.Body.Binary()
	case RequestBody_TooLarge:
		return refuse(413, "Content Too Large")
	}
	if !isSigned(request.Headers, state.Secret, body) {
		return refuse(401, "Unauthorized")
	}
	event := event{ID: request.Id, Time: request.AtMs, Headers: joined(request.Headers), Body: string(body)}
	if request.Body.Tag() == RequestBody_Binary {
		event.Body, event.IsBase64 = base64.StdEncoding.EncodeToString(body), true
	}
	return Ok[Step, string](MakeStepInvoke(Invocation{
		Function:  state.Function,
		Event:     toJSON(event),
		Mode:      InvocationMode_Buffered,
		MaxWaitMs: None[uint32](),
		Cache:     None[Cache](),
	}))
}

// Resume turns what became of an event into the response.
func Resume(_, _ string, outcome Outcome, _ Option[Request]) Result[Step, string] {
	switch outcome.Ending.Tag() {
	case Ending_Completed:
		return reply(202, outcome.Ending.Completed())
	case Ending_Failed:
		return refuse(500, "Internal Server Error")
	case Ending_TimedOut, Ending_Expired:
		return refuse(504, "Gateway Timeout")
	case Ending_Throttled:
		return refuse(429, "Too Many Requests")
	case Ending_Unavailable:
		return refuse(503, "Service Unavailable")
	default:
		return Err[Step]("this plugin neither streams, nor invokes asynchronously, nor fetches")
	}
}

// isSigned tells whether the signature is the HMAC of the body.
func isSigned(headers []Header, secret string, body []byte) bool {
	at := slices.IndexFunc(headers, func(header Header) bool { return header.Name == signatureHeader })
	if at < 0 {
		return false
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	expected := "sha256=" + hex.EncodeToString(mac.Sum(nil))
	return hmac.Equal([]byte(headers[at].Value), []byte(expected))
}

// joined gives the headers by their names in lower case. The values of a repeated header are joined.
func joined(headers []Header) map[string]string {
	values := make(map[string]string)
	for _, header := range headers {
		if first, ok := values[header.Name]; ok {
			values[header.Name] = first + ", " + header.Value
		} else {
			values[header.Name] = header.Value
		}
	}
	return values
}

func refuse(status uint16, message string) Result[Step, string] {
	return reply(status, toJSON(map[string]string{"message": message}))
}

func reply(status uint16, body string, headers ...Tuple2[string, string]) Result[Step, string] {
	headers = append(headers, Tuple2[string, string]{"Content-Type", "application/json"})
	return Ok[Step, string](MakeStepReply(Response{
		Status:  status,
		Reason:  None[string](),
		Headers: headers,
		Body:    MakeResponseBodyText(body),
	}))
}

func toJSON(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err) // strings, numbers and maps of them always have JSON
	}
	return string(text)
}
