// The little JSON that a plugin needs: texts are written, and the members of an object are read.
//
// Nothing is freed: each call of a plugin has a memory of its own.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  char *data;
  size_t length, capacity;
} text_t;

static void add_bytes(text_t *text, const void *bytes, size_t length) {
  if (text->length + length > text->capacity) {
    text->capacity = 2 * (text->length + length) + 64;
    text->data = realloc(text->data, text->capacity);
    if (!text->data) abort();
  }
  if (length) memcpy(text->data + text->length, bytes, length);
  text->length += length;
}

static void add(text_t *text, const char *more) { add_bytes(text, more, strlen(more)); }

static void add_number(text_t *text, uint64_t number) {
  char digits[20];
  size_t at = sizeof digits;
  do digits[--at] = '0' + number % 10;
  while (number /= 10);
  add_bytes(text, digits + at, sizeof digits - at);
}

// Adds UTF-8 as a JSON string.
static void add_string(text_t *text, const uint8_t *bytes, size_t length) {
  static const char hex[] = "0123456789abcdef";
  add(text, "\"");
  for (size_t i = 0; i < length; i++) {
    uint8_t byte = bytes[i];
    if (byte == '"' || byte == '\\') {
      add_bytes(text, (char[]){'\\', byte}, 2);
    } else if (byte < 0x20) {
      add_bytes(text, (char[]){'\\', 'u', '0', '0', hex[byte >> 4], hex[byte & 15]}, 6);
    } else {
      add_bytes(text, &byte, 1);
    }
  }
  add(text, "\"");
}

// Adds bytes in base64.
static void add_base64(text_t *text, const uint8_t *bytes, size_t length) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (size_t i = 0; i < length; i += 3) {
    uint32_t group = bytes[i] << 16 | (i + 1 < length ? bytes[i + 1] << 8 : 0) | (i + 2 < length ? bytes[i + 2] : 0);
    char four[4] = {digits[group >> 18], digits[group >> 12 & 63], digits[group >> 6 & 63], digits[group & 63]};
    if (i + 2 >= length) four[3] = '=';
    if (i + 1 >= length) four[2] = '=';
    add_bytes(text, four, 4);
  }
}

// A place in a JSON text that is known to be valid.
typedef struct {
  const char *at, *end;
} json_t;

static void json_space(json_t *json) {
  while (json->at < json->end && strchr(" \t\r\n,:", *json->at)) json->at++;
}

static uint32_t json_hex4(json_t *json) {
  uint32_t unit = 0;
  for (int i = 0; i < 4; i++) {
    char digit = *json->at++;
    unit = unit * 16 + (digit <= '9' ? digit - '0' : (digit | 32) - 'a' + 10);
  }
  return unit;
}

static void add_character(text_t *text, uint32_t c) {
  if (c < 0x80) {
    add_bytes(text, (uint8_t[]){c}, 1);
  } else if (c < 0x800) {
    add_bytes(text, (uint8_t[]){0xc0 | c >> 6, 0x80 | (c & 63)}, 2);
  } else if (c < 0x10000) {
    add_bytes(text, (uint8_t[]){0xe0 | c >> 12, 0x80 | (c >> 6 & 63), 0x80 | (c & 63)}, 3);
  } else {
    add_bytes(text, (uint8_t[]){0xf0 | c >> 18, 0x80 | (c >> 12 & 63), 0x80 | (c >> 6 & 63), 0x80 | (c & 63)}, 4);
  }
}

// Reads the string that begins here.
static text_t json_string(json_t *json) {
  text_t text = {0};
  for (json->at++; *json->at != '"';) {
    if (*json->at != '\\') {
      add_bytes(&text, json->at++, 1);
      continue;
    }
    char escape = json->at[1];
    json->at += 2;
    if (escape == 'u') {
      uint32_t unit = json_hex4(json);
      if (unit >= 0xd800 && unit < 0xdc00 && json->at[0] == '\\' && json->at[1] == 'u') {
        json->at += 2;
        unit = 0x10000 + ((unit - 0xd800) << 10) + (json_hex4(json) - 0xdc00);
      }
      add_character(&text, unit);
    } else {
      static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
      const char *known = strchr(from, escape);
      add_bytes(&text, known ? &to[known - from] : &escape, 1);
    }
  }
  json->at++;
  return text;
}

// Skips the value that begins here.
static void json_skip(json_t *json) {
  int depth = 0;
  do {
    json_space(json);
    char c = *json->at;
    if (c == '"') {
      json_string(json);
    } else if (c == '{' || c == '[') {
      depth++;
      json->at++;
    } else if (c == '}' || c == ']') {
      depth--;
      json->at++;
    } else {
      while (json->at < json->end && !strchr(" \t\r\n,:]}", *json->at)) json->at++;
    }
  } while (depth > 0);
}

typedef struct {
  text_t key, value;
  bool is_string;
} member_t;

// Begins to read the object that a text consists of.
static json_t json_object(const uint8_t *text, size_t length) {
  json_t json = {(const char *)text, (const char *)text + length};
  json_space(&json);
  json.at++;
  return json;
}

// Reads the next member of an object; only strings have a value here.
static bool json_member(json_t *json, member_t *member) {
  json_space(json);
  if (json->at >= json->end || *json->at == '}') return false;
  member->key = json_string(json);
  json_space(json);
  member->is_string = *json->at == '"';
  member->value = (text_t){0};
  if (member->is_string) {
    member->value = json_string(json);
  } else {
    json_skip(json);
  }
  return true;
}
