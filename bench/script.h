// The script both sides know: what the upstream says, and what the load tool expects to read.
//
// A request carries a mark of its own, "[r00000017]", in its prompt. The answer repeats it, so an
// answer that was cached, or belongs to another request, is seen to be wrong.
#ifndef SCRIPT_H
#define SCRIPT_H

#include <stdio.h>
#include <string.h>

#define MARK_DIGITS 8
#define MARK_LENGTH (MARK_DIGITS + 3) // "[r" digits "]"
#define PROMPT_TOKENS 57
#define COMPLETION_TOKENS 128 // of an answer in one piece; a stream has one per chunk
#define MOST_CHUNKS 999

static const char SCRIPT_SENTENCES[] =
    " A river keeps its bed by leaving it a little every year. Sand settles where the water slows,"
    " and the water slows where sand has settled, so each bend argues for the next one. In a dry"
    " summer the old channel shows its stones; in a wet spring the new one carries boats. Nobody"
    " decides where the river runs, and yet the map is right about it for longer than the people"
    " who drew it. When the flood comes it follows the oldest line it can find, and the town that"
    " forgot that line learns it again in one night. Then the water falls, the mud dries, and the"
    " bend begins its slow argument from the start, as patient as before.";

// Writes "[r00000017]" at `to`, without an end.
static inline void script_mark(char *to, unsigned number) {
  memcpy(to, "[r", 2);
  for (int i = MARK_DIGITS + 1; i >= 2; i--, number /= 10) to[i] = (char)('0' + number % 10);
  to[MARK_DIGITS + 2] = ']';
}

// The whole answer to a request that is not streamed. Returns its length.
static inline int script_answer(char *to, unsigned number) {
  script_mark(to, number);
  memcpy(to + MARK_LENGTH, SCRIPT_SENTENCES, sizeof SCRIPT_SENTENCES);
  return MARK_LENGTH + (int)sizeof SCRIPT_SENTENCES - 1;
}

// The whole text of a stream: the mark, then " w001" " w002" ... Returns its length.
static inline int script_stream(char *to, unsigned number, int chunks) {
  script_mark(to, number);
  int length = MARK_LENGTH;
  for (int i = 1; i < chunks; i++) length += sprintf(to + length, " w%03d", i);
  to[length] = 0;
  return length;
}

#endif
