// What both programs stand on: a clock, a growing buffer, and the right to many sockets.
#ifndef GROUND_H
#define GROUND_H

#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>

typedef struct {
  char *data; // ends with a zero that is not counted
  size_t length, room;
} Bytes;

static inline int64_t now(void) { // nanoseconds
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static inline void add(Bytes *to, const char *data, size_t length) {
  if (to->length + length + 1 > to->room) {
    to->room = (to->length + length + 1) * 2;
    to->data = realloc(to->data, to->room);
    if (!to->data) abort();
  }
  memcpy(to->data + to->length, data, length);
  to->length += length;
  to->data[to->length] = 0;
}

// Ends with the bench, and may open as many sockets as the system allows.
static inline void settle_in(void) {
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  struct rlimit files = {0};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
}

#endif
