// A small strict JSON reader: checks the whole text and hands out the leaves somebody asked for.
#ifndef JSON_H
#define JSON_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

typedef struct Json Json;
typedef void Leaf(Json *json, const char *path, const char *text, int length, bool is_string);

struct Json {
  const char *at, *end;
  char path[192]; // "choices.0.delta.content"
  int path_length, depth;
  Leaf *leaf;
  void *context;
  char text[8192]; // the last string, unescaped; longer ones are cut
  int text_length;
};

static inline void json_space(Json *j) {
  while (j->at < j->end && (*j->at == ' ' || *j->at == '\n' || *j->at == '\r' || *j->at == '\t')) j->at++;
}

static inline bool json_take(Json *j, char wanted) {
  json_space(j);
  if (j->at >= j->end || *j->at != wanted) return false;
  j->at++;
  return true;
}

static inline void json_keep(Json *j, unsigned code) { // as UTF-8; surrogates as they come
  char *to = j->text + j->text_length;
  if (j->text_length > (int)sizeof j->text - 4) return;
  if (code < 0x80) {
    *to = (char)code;
    j->text_length += 1;
    return;
  }
  if (code < 0x800) {
    to[0] = (char)(0xc0 | code >> 6);
    to[1] = (char)(0x80 | (code & 63));
    j->text_length += 2;
    return;
  }
  to[0] = (char)(0xe0 | code >> 12);
  to[1] = (char)(0x80 | (code >> 6 & 63));
  to[2] = (char)(0x80 | (code & 63));
  j->text_length += 3;
}

static inline bool json_escape(Json *j) {
  static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
  if (j->at >= j->end) return false;
  char c = *j->at++;
  if (c == 'u') {
    char hex[5] = {0};
    if (j->end - j->at < 4) return false;
    memcpy(hex, j->at, 4);
    if (strspn(hex, "0123456789abcdefABCDEF") != 4) return false;
    j->at += 4;
    json_keep(j, (unsigned)strtoul(hex, NULL, 16));
    return true;
  }
  const char *found = strchr(from, c);
  if (!c || !found) return false;
  json_keep(j, (unsigned char)to[found - from]);
  return true;
}

static inline bool json_string(Json *j) { // into j->text
  j->text_length = 0;
  if (!json_take(j, '"')) return false;
  while (j->at < j->end) {
    const char *run = j->at;
    while (j->at < j->end && *j->at != '"' && *j->at != '\\' && (unsigned char)*j->at >= 32) j->at++;
    int length = (int)(j->at - run), room = (int)sizeof j->text - 1 - j->text_length;
    if (length > room) length = room;
    memcpy(j->text + j->text_length, run, (size_t)length);
    j->text_length += length;
    if (j->at >= j->end || (unsigned char)*j->at < 32) return false;
    if (*j->at++ == '"') {
      j->text[j->text_length] = 0;
      return true;
    }
    if (!json_escape(j)) return false;
  }
  return false;
}

static inline bool json_value(Json *j);

static inline bool json_inside(Json *j, const char *name, int length) { // one member of a container
  int before = j->path_length;
  if (before + length + 2 < (int)sizeof j->path) {
    if (before) j->path[j->path_length++] = '.';
    memcpy(j->path + j->path_length, name, (size_t)length);
    j->path_length += length;
  }
  j->path[j->path_length] = 0;
  bool good = json_value(j);
  j->path[j->path_length = before] = 0;
  return good;
}

static inline bool json_object(Json *j) {
  j->at++;
  if (json_take(j, '}')) return true;
  do {
    char name[64];
    if (!json_string(j)) return false;
    int length = j->text_length < 63 ? j->text_length : 63;
    memcpy(name, j->text, (size_t)length);
    if (!json_take(j, ':') || !json_inside(j, name, length)) return false;
  } while (json_take(j, ','));
  return json_take(j, '}');
}

static inline bool json_array(Json *j) {
  j->at++;
  if (json_take(j, ']')) return true;
  int index = 0;
  do {
    char name[8] = {(char)('0' + index % 10)}; // only the first ten are told apart
    if (!json_inside(j, name, 1)) return false;
    index++;
  } while (json_take(j, ','));
  return json_take(j, ']');
}

static inline bool json_word(Json *j) { // a number, true, false, null
  const char *start = j->at;
  while (j->at < j->end && *j->at && strchr("+-.0123456789abcdefghijklmnopqrstuvwxyzE", *j->at)) j->at++;
  int length = (int)(j->at - start);
  bool named = (length == 4 && (!memcmp(start, "true", 4) || !memcmp(start, "null", 4))) ||
               (length == 5 && !memcmp(start, "false", 5));
  if (!named) {
    char number[64] = {0}, *stop = number;
    if (length < 1 || length > 63 || !strchr("-0123456789", *start)) return false;
    memcpy(number, start, (size_t)length);
    strtod(number, &stop);
    if (*stop) return false;
  }
  j->leaf(j, j->path, start, length, false);
  return true;
}

static inline bool json_value(Json *j) {
  json_space(j);
  if (j->at >= j->end || ++j->depth > 64) return false;
  bool good;
  if (*j->at == '{') good = json_object(j);
  else if (*j->at == '[') good = json_array(j);
  else if (*j->at == '"') {
    good = json_string(j);
    if (good) j->leaf(j, j->path, j->text, j->text_length, true);
  } else good = json_word(j);
  j->depth--;
  return good;
}

// Reads one JSON text. False when it is not JSON from its first to its last byte.
static inline bool json_read(Json *j, const char *text, size_t length, Leaf *leaf, void *context) {
  j->at = text;
  j->end = text + length;
  j->path_length = j->depth = 0;
  j->path[0] = 0;
  j->leaf = leaf;
  j->context = context;
  if (!json_value(j)) return false;
  json_space(j);
  return j->at == j->end;
}

#endif
