// A webhook receiver: it checks the signature of each request and makes an event of it.
//
// `configure` runs once, and what it returns as `state` is passed to `shape` (a request becomes an event) and `resume`
// (what became of the event becomes a response). The contract is described in wit/deps/http-trigger.
//
// Memory is not freed: each call has a memory of its own, as `reusable` is false. What is returned comes from malloc,
// because the generated code frees it.

#include "gen/plugin.h"
#include "json.h"
#include "sha256.h"

// The generated names, shorter.
#define HTTP(name) exports_lambkin_http_trigger_http_shaper_##name
#define BODY(name) EXPORTS_LAMBKIN_HTTP_TRIGGER_HTTP_SHAPER_REQUEST_BODY_##name
#define ENDING(name) EXPORTS_LAMBKIN_HTTP_TRIGGER_HTTP_SHAPER_ENDING_##name

typedef plugin_string_t string_t;
typedef HTTP(step_t) step_t;

enum { MAX_BODY_BYTES = 1 << 20 };

static string_t string_of(text_t text) { return (string_t){(uint8_t *)text.data, text.length}; }

static string_t string(const char *literal) {
  text_t text = {0};
  add(&text, literal);
  return string_of(text);
}

static bool is(string_t string, const char *literal) {
  return string.len == strlen(literal) && memcmp(string.ptr, literal, string.len) == 0;
}

static bool equal(string_t a, string_t b) { return a.len == b.len && memcmp(a.ptr, b.ptr, a.len) == 0; }

static void add_member(text_t *text, const char *prefix, string_t value) {
  add(text, prefix);
  add_string(text, value.ptr, value.len);
}

// A list with one string, or without any if there is none.
static plugin_list_string_t list(string_t item) {
  plugin_list_string_t list = {NULL, 0};
  if (!item.len) return list;
  list.ptr = malloc(sizeof *list.ptr);
  *list.ptr = item;
  list.len = 1;
  return list;
}

static void problem(HTTP(list_problem_t) * problems, string_t at, const char *message) {
  problems->ptr = realloc(problems->ptr, (problems->len + 1) * sizeof *problems->ptr);
  problems->ptr[problems->len++] = (HTTP(problem_t)){.at = list(at), .message = string(message)};
}

bool HTTP(configure)(string_t *config, HTTP(surroundings_t) * surroundings, HTTP(setup_t) * setup,
                     HTTP(list_problem_t) * problems) {
  string_t function = {0}, path = string("/webhook"), secret = {0}, whole = {0};
  bool has_function = false;
  *problems = (HTTP(list_problem_t)){NULL, 0};

  json_t json = json_object(config->ptr, config->len);
  for (member_t member; json_member(&json, &member);) {
    string_t key = string_of(member.key), value = string_of(member.value);
    if (is(key, "function")) {
      has_function = true;
      function = value;
      if (!member.is_string) problem(problems, key, "has to be a string: the name of a function");
    } else if (is(key, "path")) {
      path = value;
      if (!member.is_string || !value.len || value.ptr[0] != '/')
        problem(problems, key, "has to be a string that begins with /");
    } else {
      problem(problems, key, "is not a setting of this plugin: its settings are function and path");
    }
  }
  if (!has_function) problem(problems, whole, "needs function: the function that receives the events");
  for (size_t i = 0; i < surroundings->environment.len; i++) {
    plugin_tuple2_string_string_t variable = surroundings->environment.ptr[i];
    if (is(variable.f0, "WEBHOOK_SECRET")) secret = variable.f1;
  }
  if (!secret.len)
    problem(problems, whole, "needs the variable WEBHOOK_SECRET: set it, and list it in pass-environment");
  if (problems->len) return false;

  text_t state = {0}, summary = {0};
  add_member(&state, "{\"function\":", function);
  add_member(&state, ",\"path\":", path);
  add_member(&state, ",\"secret\":", secret);
  add(&state, "}");
  add(&summary, "POST ");
  add_bytes(&summary, path.ptr, path.len);
  add(&summary, " -> ");
  add_bytes(&summary, function.ptr, function.len);
  HTTP(function_reference_t) *reference = malloc(sizeof *reference);
  *reference = (HTTP(function_reference_t)){.name = function, .at = list(string("function"))};
  *setup = (HTTP(setup_t)){
      .state = string_of(state),
      .functions = {reference, 1},
      .max_body_bytes = MAX_BODY_BYTES,
      .reusable = false,
      .summary = list(string_of(summary)),
  };
  return true;
}

static void reply(step_t *step, uint16_t status, string_t body, const char *allow) {
  plugin_tuple2_string_string_t *headers = calloc(2, sizeof *headers);
  size_t count = 0;
  if (allow) headers[count++] = (plugin_tuple2_string_string_t){string("Allow"), string(allow)};
  headers[count++] = (plugin_tuple2_string_string_t){string("Content-Type"), string("application/json")};
  step->tag = EXPORTS_LAMBKIN_HTTP_TRIGGER_HTTP_SHAPER_STEP_REPLY;
  step->val.reply = (HTTP(response_t)){
      .status = status,
      .headers = {headers, count},
      .body = {EXPORTS_LAMBKIN_HTTP_TRIGGER_HTTP_SHAPER_RESPONSE_BODY_TEXT, {.text = body}},
  };
}

static bool refuse(step_t *step, uint16_t status, const char *message) {
  text_t body = {0};
  add_member(&body, "{\"message\":", string(message));
  add(&body, "}");
  reply(step, status, string_of(body), status == 405 ? "POST" : NULL);
  return true;
}

// Whether the signature is the HMAC of the body. The comparison takes the same time wherever the first difference is.
static bool is_signed(HTTP(list_header_t) headers, string_t secret, string_t body) {
  string_t signature = {0};
  for (size_t i = headers.len; i-- > 0;)
    if (is(headers.ptr[i].name, "x-hub-signature-256")) signature = headers.ptr[i].value;
  uint8_t digest[SHA256_SIZE];
  hmac_sha256(secret.ptr, secret.len, body.ptr, body.len, digest);
  text_t expected = {0};
  add(&expected, "sha256=");
  for (int i = 0; i < SHA256_SIZE; i++)
    add_bytes(&expected, (char[]){"0123456789abcdef"[digest[i] >> 4], "0123456789abcdef"[digest[i] & 15]}, 2);
  if (signature.len != expected.length) return false;
  uint8_t difference = 0;
  for (size_t i = 0; i < signature.len; i++) difference |= signature.ptr[i] ^ (uint8_t)expected.data[i];
  return difference == 0;
}

// The headers by their names in lower case. A repeated header has one entry per value, one after the other.
static void add_headers(text_t *event, HTTP(list_header_t) headers) {
  add(event, "{");
  for (size_t i = 0; i < headers.len;) {
    string_t name = headers.ptr[i].name;
    text_t values = {0};
    for (size_t first = i; i < headers.len && equal(headers.ptr[i].name, name); i++) {
      if (i > first) add(&values, ", ");
      add_bytes(&values, headers.ptr[i].value.ptr, headers.ptr[i].value.len);
    }
    if (event->data[event->length - 1] != '{') add(event, ",");
    add_string(event, name.ptr, name.len);
    add_member(event, ":", string_of(values));
  }
  add(event, "}");
}

bool HTTP(shape)(string_t *state, HTTP(request_t) * request, step_t *step, string_t *error) {
  (void)error;
  string_t function = {0}, path = {0}, secret = {0};
  json_t json = json_object(state->ptr, state->len);
  for (member_t member; json_member(&json, &member);) {
    string_t key = string_of(member.key), value = string_of(member.value);
    if (is(key, "function")) function = value;
    if (is(key, "path")) path = value;
    if (is(key, "secret")) secret = value;
  }
  if (!equal(request->path, path)) return refuse(step, 404, "Not Found");
  if (!is(request->method, "POST")) return refuse(step, 405, "Method Not Allowed");
  string_t body = {0};
  switch (request->body.tag) {
    case BODY(TEXT): body = request->body.val.text; break;
    case BODY(BINARY): body = (string_t){request->body.val.binary.ptr, request->body.val.binary.len}; break;
    case BODY(TOO_LARGE): return refuse(step, 413, "Content Too Large");
  }
  if (!is_signed(request->headers, secret, body)) return refuse(step, 401, "Unauthorized");

  bool is_base64 = request->body.tag == BODY(BINARY);
  text_t event = {0};
  add_member(&event, "{\"id\":", request->id);
  add(&event, ",\"time\":");
  add_number(&event, request->at_ms);
  add(&event, ",\"headers\":");
  add_headers(&event, request->headers);
  add(&event, ",\"body\":");
  if (is_base64) {
    add(&event, "\"");
    add_base64(&event, body.ptr, body.len);
    add(&event, "\"");
  } else {
    add_string(&event, body.ptr, body.len);
  }
  add(&event, is_base64 ? ",\"isBase64Encoded\":true}" : ",\"isBase64Encoded\":false}");
  step->tag = EXPORTS_LAMBKIN_HTTP_TRIGGER_HTTP_SHAPER_STEP_INVOKE;
  step->val.invoke = (HTTP(invocation_t)){
      .function = function,
      .event = string_of(event),
      .mode = EXPORTS_LAMBKIN_HTTP_TRIGGER_HTTP_SHAPER_INVOCATION_MODE_BUFFERED,
  };
  return true;
}

bool HTTP(resume)(string_t *state, string_t *token, HTTP(outcome_t) * outcome, HTTP(request_t) * request,
                  step_t *step, string_t *error) {
  (void)state, (void)token, (void)request;
  switch (outcome->ending.tag) {
    case ENDING(COMPLETED): reply(step, 202, outcome->ending.val.completed, NULL); return true;
    case ENDING(FAILED): return refuse(step, 500, "Internal Server Error");
    case ENDING(TIMED_OUT):
    case ENDING(EXPIRED): return refuse(step, 504, "Gateway Timeout");
    case ENDING(THROTTLED): return refuse(step, 429, "Too Many Requests");
    case ENDING(UNAVAILABLE): return refuse(step, 503, "Service Unavailable");
  }
  *error = string("this plugin neither streams, nor invokes asynchronously, nor fetches");
  return false;
}
