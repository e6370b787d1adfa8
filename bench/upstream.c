// The scripted upstream: speaks OpenAI's chat completions over plain HTTP/1.1 on 127.0.0.1.
//
//   upstream PORT
//
// The model's name is the script: `scripted` answers about 1 KB in one piece; `scripted-100x1000`
// streams 100 chunks, 1000 microseconds apart. A fault may follow, to test those who check:
// -wrong -swap -nousage -status -cut -nodone -lost. GET /stats counts what was served.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "ground.h"
#include "script.h"

#define MOST_FILES 65536
#define LARGEST_REQUEST (16 << 20)

typedef struct {
  int fd;
  Bytes in, out;
  size_t written;  // of `out`
  bool streaming;  // a stream is under way; input waits
  int chunks, sent;
  int64_t gap, due; // nanoseconds
  int place;        // in the heap, -1 when in none
  unsigned mark;
  char fault[16];
  bool closing, asleep; // asleep: the socket is full, epoll watches for room
} Connection;

static Connection *connections[MOST_FILES];
static Connection *heap[MOST_FILES];
static int heap_size, poller, timer;
static struct {
  unsigned long answers, streams, chunks, cut, connections;
} stats;
static char answer_body[2048];
static int answer_mark, answer_length;

// ---- who is due next: a binary heap, woken by one timer ----

static void put(int i, Connection *c) {
  heap[i] = c;
  c->place = i;
}

static void sift(int i) {
  Connection *c = heap[i];
  for (; i > 0 && heap[(i - 1) / 2]->due > c->due; i = (i - 1) / 2) put(i, heap[(i - 1) / 2]);
  for (;;) {
    int child = 2 * i + 1;
    if (child >= heap_size) break;
    if (child + 1 < heap_size && heap[child + 1]->due < heap[child]->due) child++;
    if (heap[child]->due >= c->due) break;
    put(i, heap[child]);
    i = child;
  }
  put(i, c);
}

static void wait_for(Connection *c, int64_t due) {
  c->due = due;
  put(heap_size++, c);
  sift(c->place);
}

static void forget(Connection *c) {
  if (c->place < 0) return;
  Connection *last = heap[--heap_size];
  if (last != c) {
    put(c->place, last);
    sift(last->place);
  }
  c->place = -1;
}

static void set_timer(void) {
  struct itimerspec at = {0};
  if (heap_size) {
    at.it_value.tv_sec = heap[0]->due / 1000000000;
    at.it_value.tv_nsec = heap[0]->due % 1000000000;
    if (!at.it_value.tv_sec && !at.it_value.tv_nsec) at.it_value.tv_nsec = 1;
  }
  timerfd_settime(timer, TFD_TIMER_ABSTIME, &at, NULL);
}

// ---- writing ----

static void watch(Connection *c, uint32_t events) {
  struct epoll_event event = {.events = events, .data.fd = c->fd};
  epoll_ctl(poller, EPOLL_CTL_MOD, c->fd, &event);
}

static void flush(Connection *c) {
  while (c->written < c->out.length) {
    ssize_t n = send(c->fd, c->out.data + c->written, c->out.length - c->written, MSG_NOSIGNAL);
    if (n < 0 && errno == EAGAIN) {
      if (!c->asleep) watch(c, EPOLLIN | EPOLLOUT);
      c->asleep = true;
      return;
    }
    if (n < 0) {
      c->closing = true;
      return;
    }
    c->written += (size_t)n;
  }
  c->out.length = c->written = 0;
  if (c->asleep) watch(c, EPOLLIN);
  c->asleep = false;
}

static void add_part(Connection *c, const char *data, int length) { // one HTTP chunk
  char size[16];
  add(&c->out, size, (size_t)sprintf(size, "%x\r\n", length));
  add(&c->out, data, (size_t)length);
  add(&c->out, "\r\n", 2);
}

#define EVENT_HEAD                                                                     \
  "data: {\"id\":\"chatcmpl-scripted0000000001\",\"object\":\"chat.completion.chunk\"," \
  "\"created\":1790000000,\"model\":\"scripted\",\"system_fingerprint\":\"fp_scripted\","

static void add_delta(Connection *c, const char *text) {
  char event[512];
  int n = sprintf(event, EVENT_HEAD "\"choices\":[{\"index\":0,\"delta\":{\"content\":\"%s\"},"
                                    "\"logprobs\":null,\"finish_reason\":null}]}\n\n", text);
  add_part(c, event, n);
}

static bool has_fault(const Connection *c, const char *name) { return !strcmp(c->fault, name); }

// ---- answering ----

static void start_stream(Connection *c) {
  static const char head[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                             "Cache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n\r\n";
  static const char role[] = EVENT_HEAD "\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\","
                             "\"content\":\"\"},\"logprobs\":null,\"finish_reason\":null}]}\n\n";
  add(&c->out, head, sizeof head - 1);
  add_part(c, role, sizeof role - 1);
}

static void end_stream(Connection *c) {
  char events[1024];
  int n = sprintf(events, EVENT_HEAD "\"choices\":[{\"index\":0,\"delta\":{},\"logprobs\":null,"
                                     "\"finish_reason\":\"stop\"}]}\n\n");
  if (!has_fault(c, "nousage"))
    n += sprintf(events + n, EVENT_HEAD "\"choices\":[],\"usage\":{\"prompt_tokens\":%d,"
                 "\"completion_tokens\":%d,\"total_tokens\":%d}}\n\n",
                 PROMPT_TOKENS, c->chunks, PROMPT_TOKENS + c->chunks);
  if (!has_fault(c, "nodone")) n += sprintf(events + n, "data: [DONE]\n\n");
  add_part(c, events, n);
  add(&c->out, "0\r\n\r\n", 5);
  c->streaming = false;
  stats.streams++;
}

static void send_chunk(Connection *c) {
  char text[32] = {0};
  if (c->sent == 0) script_mark(text, has_fault(c, "swap") ? c->mark + 1 : c->mark);
  else sprintf(text, " w%03d", has_fault(c, "wrong") && c->sent == 1 ? 999 : c->sent);
  c->sent++;
  stats.chunks++;
  if (has_fault(c, "lost") && c->sent == 2) return;
  if (has_fault(c, "cut") && c->sent == 2) c->closing = true;
  add_delta(c, text);
}

static void step(Connection *c) { // one tick of a stream
  do {
    if (c->sent < c->chunks) send_chunk(c);
    else end_stream(c);
  } while (c->streaming && !c->gap && !c->closing);
  flush(c);
  if (c->streaming && !c->closing) wait_for(c, c->due + c->gap);
}

static void add_answer(Connection *c) {
  char body[2048];
  int length = answer_length;
  memcpy(body, answer_body, (size_t)length + 1);
  script_mark(body + answer_mark, has_fault(c, "swap") ? c->mark + 1 : c->mark);
  if (has_fault(c, "wrong")) body[answer_mark + 40] ^= 1;
  if (has_fault(c, "nousage")) memcpy(strstr(body, "\"usage\""), "\"abuse\"", 7);
  char head[256];
  int n = sprintf(head, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                        "x-request-id: req_scripted\r\nContent-Length: %d\r\n\r\n", length);
  add(&c->out, head, (size_t)n);
  add(&c->out, body, has_fault(c, "cut") ? 100 : (size_t)length);
  if (has_fault(c, "cut")) c->closing = true;
  stats.answers++;
}

static void add_plain(Connection *c, int status, const char *body) {
  char head[160];
  int n = sprintf(head, "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
                  status, status == 200 ? "OK" : "Refused", strlen(body));
  add(&c->out, head, (size_t)n);
  add(&c->out, body, strlen(body));
}

static void add_stats(Connection *c) {
  char body[256];
  sprintf(body, "{\"answers\":%lu,\"streams\":%lu,\"chunks\":%lu,\"cut\":%lu,\"connections\":%lu}",
          stats.answers, stats.streams, stats.chunks, stats.cut, stats.connections);
  add_plain(c, 200, body);
}

static void read_script(Connection *c, const char *body, size_t length) {
  c->chunks = 10;
  c->gap = 0;
  c->fault[0] = 0;
  const char *name = memmem(body, length, "\"scripted", 9), *mark = memmem(body, length, "[r", 2);
  if (name && name[9] == '-') {
    int gap = 0, used = 0;
    const char *rest = name + 9;
    if (sscanf(rest, "-%dx%d%n", &c->chunks, &gap, &used) == 2) rest += used;
    c->gap = gap * 1000LL;
    if (c->chunks < 1 || c->chunks > MOST_CHUNKS) c->chunks = MOST_CHUNKS;
    sscanf(rest, "-%15[a-z]", c->fault);
  }
  c->mark = mark ? (unsigned)strtoul(mark + 2, NULL, 10) : 0;
}

static void answer(Connection *c, const char *head, const char *body, size_t length) {
  if (!strncmp(head, "GET /stats ", 11)) return add_stats(c);
  if (strncmp(head, "POST ", 5)) return add_plain(c, 404, "{\"error\":{\"message\":\"not here\"}}");
  read_script(c, body, length);
  if (has_fault(c, "status"))
    return add_plain(c, 500, "{\"error\":{\"message\":\"scripted failure\"}}");
  c->streaming = memmem(body, length, "\"stream\":true", 13) ||
                 memmem(body, length, "\"stream\": true", 14);
  if (!c->streaming) return add_answer(c);
  c->sent = 0;
  c->due = now();
  start_stream(c);
  step(c);
}

// ---- reading requests ----

// Joins the pieces of a chunked body in place. Returns bytes used, 0 when more must come.
static size_t join_chunks(char *data, size_t room, size_t *length) {
  size_t at = 0, to = 0;
  for (;;) {
    char *end = memmem(data + at, room - at, "\r\n", 2);
    if (!end) return 0;
    size_t size = strtoul(data + at, NULL, 16), start = (size_t)(end - data) + 2;
    if (start + size + 2 > room) return 0;
    at = start + size + 2;
    if (!size) break;
    memmove(data + to, data + start, size);
    to += size;
  }
  *length = to;
  return at;
}

static size_t content_length(const char *head) {
  const char *found = strcasestr(head, "\r\ncontent-length:");
  return found ? strtoul(found + 17, NULL, 10) : 0;
}

// Whether the bytes are a chunked body whose pieces have all arrived.
static bool chunks_arrived(const char *data, size_t room) {
  for (size_t at = 0;;) {
    char *end = memmem(data + at, room - at, "\r\n", 2);
    if (!end) return false;
    size_t size = strtoul(data + at, NULL, 16);
    at = (size_t)(end - data) + 2 + size + 2;
    if (at > room) return false;
    if (!size) return true;
  }
}

static bool take_request(Connection *c) { // true when one was answered
  char *end = c->in.length ? memmem(c->in.data, c->in.length, "\r\n\r\n", 4) : NULL;
  if (!end) return false;
  size_t head = (size_t)(end - c->in.data) + 4, room = c->in.length - head, length, used;
  char *body = c->in.data + head;
  end[2] = 0; // the head is a string now, its last line ended
  bool chunked = strcasestr(c->in.data, "\r\ntransfer-encoding: chunked") != NULL;
  length = used = content_length(c->in.data);
  bool complete = chunked ? chunks_arrived(body, room) : room >= length;
  if (!complete) {
    end[2] = '\r';
    return false;
  }
  if (chunked) used = join_chunks(body, room, &length);
  answer(c, c->in.data, body, length);
  memmove(c->in.data, body + used, room - used);
  c->in.length = room - used;
  return true;
}

static void drop(Connection *c) {
  if (c->streaming) stats.cut++;
  forget(c);
  connections[c->fd] = NULL;
  close(c->fd);
  free(c->in.data);
  free(c->out.data);
  free(c);
}

static void serve(Connection *c) { // answers what has arrived, then writes
  while (!c->streaming && !c->closing && take_request(c)) {}
  flush(c);
  if (c->closing) drop(c);
}

static void receive(Connection *c) {
  char buffer[65536];
  ssize_t n = recv(c->fd, buffer, sizeof buffer, 0);
  if (n < 0 && errno == EAGAIN) return;
  if (n <= 0 || c->in.length + (size_t)n > LARGEST_REQUEST) return drop(c);
  add(&c->in, buffer, (size_t)n);
  serve(c);
}

static void accept_all(int listener) {
  for (;;) {
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), yes = 1;
    if (fd < 0) return;
    if (fd >= MOST_FILES) {
      close(fd);
      continue;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    Connection *c = calloc(1, sizeof *c);
    if (!c) abort();
    c->fd = fd;
    c->place = -1;
    connections[fd] = c;
    stats.connections++;
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
  }
}

static void tick(void) {
  uint64_t fired;
  if (read(timer, &fired, sizeof fired) < 0 && errno != EAGAIN) abort();
  for (int64_t t = now(); heap_size && heap[0]->due <= t;) {
    Connection *c = heap[0];
    forget(c);
    step(c);
    if (!c->streaming || c->closing) serve(c);
  }
}

static void write_templates(void) {
  static const char first[] =
      "{\"id\":\"chatcmpl-scripted0000000001\",\"object\":\"chat.completion\",\"created\":1790000000,"
      "\"model\":\"scripted\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"";
  char text[1024];
  script_answer(text, 0);
  answer_mark = sizeof first - 1;
  answer_length = sprintf(
      answer_body,
      "%s%s\",\"refusal\":null},\"logprobs\":null,\"finish_reason\":\"stop\"}],"
      "\"usage\":{\"prompt_tokens\":%d,\"completion_tokens\":%d,\"total_tokens\":%d,"
      "\"prompt_tokens_details\":{\"cached_tokens\":0}},\"system_fingerprint\":\"fp_scripted\"}",
      first, text, PROMPT_TOKENS, COMPLETION_TOKENS, PROMPT_TOKENS + COMPLETION_TOKENS);
}

static int listen_on(int port) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), yes = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(fd, (struct sockaddr *)&at, sizeof at) || listen(fd, 4096)) {
    perror("upstream");
    exit(1);
  }
  return fd;
}

static void watch_new(int fd) {
  struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
  epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
}

int main(int count, char **words) {
  if (count != 2) return fprintf(stderr, "usage: upstream PORT\n"), 2;
  settle_in();
  write_templates();
  int listener = listen_on(atoi(words[1]));
  poller = epoll_create1(EPOLL_CLOEXEC);
  timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  watch_new(listener);
  watch_new(timer);
  puts("ready");
  fflush(stdout);
  struct epoll_event events[512];
  for (;;) {
    set_timer();
    int ready = epoll_wait(poller, events, 512, -1);
    for (int i = 0; i < ready; i++) {
      int fd = events[i].data.fd;
      if (fd == listener) accept_all(listener);
      else if (fd == timer) tick();
      else if (connections[fd] && events[i].events & EPOLLOUT) serve(connections[fd]);
      else if (connections[fd]) receive(connections[fd]);
    }
  }
}
