// The load tool: keeps N requests going on 127.0.0.1 and checks every single reply, to its end.
//
//   load --port N --model NAME [--path P] [--header 'Name: value']... --connections N
//        (--seconds S | --requests N) [--stream CHUNKS] [--ramp-ms N] [--patience S]
//
// A reply counts as good only with status 200, well-formed framing, valid JSON in every part, exactly
// the scripted text with this request's own mark, and the scripted usage; a stream also needs its end
// marker as the last event. Prints one JSON line.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ground.h"
#include "json.h"
#include "script.h"

#define MOST_CONNECTIONS 20000
#define LONGEST_REQUEST 4096

typedef enum { GOOD, STATUS, FORM, TEXT, USAGE, BROKEN, LATE, KINDS } Verdict;
static const char *VERDICTS[] = {"good", "status", "form", "text", "usage", "broken", "late"};

typedef struct {
  int fd, number;
  bool busy, reused, resent, head_done, chunked, until_close, ended, last_piece;
  bool server_closes;
  unsigned mark;
  int64_t started, first_text;
  int status, prompt, completion, parts;
  long left; // of the body, or of the current piece
  char request[LONGEST_REQUEST];
  int request_length, request_sent;
  Bytes raw, body, text;
  size_t scanned; // of `body`, by the event reader
  bool malformed;
} Connection;

static struct {
  int port, connections, requests, chunks, ramp_ms;
  double seconds, patience;
  const char *path, *model;
  char headers[2048];
} options = {.path = "/v1/chat/completions", .connections = 1, .patience = 60};

static Connection *connections;
static int poller, busy, started_requests;
static char template[LONGEST_REQUEST];
static int template_length, template_mark;
static unsigned next_mark;
static int64_t deadline, begun, last_reply;
static struct {
  long verdicts[KINDS], parts, bytes, connects, resent;
  char first_error[512];
  uint32_t *whole, *first;
  size_t wholes, firsts, whole_room, first_room;
} result;

static void take(Bytes *from, size_t length) { // drops the first bytes
  memmove(from->data, from->data + length, from->length - length);
  from->length -= length;
}

static void record(uint32_t **to, size_t *count, size_t *room, int64_t nanoseconds) {
  if (*count == *room) {
    *room = *room ? *room * 2 : 4096;
    *to = realloc(*to, *room * sizeof **to);
    if (!*to) abort();
  }
  (*to)[(*count)++] = (uint32_t)(nanoseconds / 1000);
}

// ---- checking ----

static void on_leaf(Json *json, const char *path, const char *text, int length, bool is_string) {
  Connection *c = json->context;
  const char *said = options.chunks ? "choices.0.delta.content" : "choices.0.message.content";
  if (is_string && length && !strcmp(path, said)) {
    if (!c->first_text) c->first_text = now();
    add(&c->text, text, (size_t)length);
    c->parts++;
  } else if (!is_string && !strcmp(path, "usage.completion_tokens")) c->completion = atoi(text);
  else if (!is_string && !strcmp(path, "usage.prompt_tokens")) c->prompt = atoi(text);
}

static void check_json(Connection *c, const char *text, size_t length) {
  static Json json;
  if (!json_read(&json, text, length, on_leaf, c)) c->malformed = true;
}

static void check_event(Connection *c, const char *line, size_t length) {
  if (length && line[length - 1] == '\r') length--;
  if (length < 5 || memcmp(line, "data:", 5)) return; // comments, event names, blank lines
  line += 5, length -= 5;
  if (length && *line == ' ') line++, length--;
  if (c->ended) c->malformed = true; // nothing may follow the end
  if (length == 6 && !memcmp(line, "[DONE]", 6)) {
    c->ended = true;
    return;
  }
  char buffer[8192]; // a string of its own: the reader's leaves are compared as strings
  if (length >= sizeof buffer) {
    c->malformed = true;
    return;
  }
  memcpy(buffer, line, length);
  buffer[length] = 0;
  check_json(c, buffer, length);
}

static void check_events(Connection *c) { // those whose line is complete
  char *end;
  while ((end = memchr(c->body.data + c->scanned, '\n', c->body.length - c->scanned))) {
    size_t stop = (size_t)(end - c->body.data);
    check_event(c, c->body.data + c->scanned, stop - c->scanned);
    c->scanned = stop + 1;
  }
}

static Verdict judge(Connection *c) {
  if (c->status != 200) return STATUS;
  if (!options.chunks) check_json(c, c->body.data ? c->body.data : "", c->body.length);
  if (c->malformed || (options.chunks && (!c->ended || c->scanned != c->body.length))) return FORM;
  char expected[8192];
  int length = options.chunks ? script_stream(expected, c->mark, options.chunks)
                              : script_answer(expected, c->mark);
  if ((int)c->text.length != length || memcmp(c->text.data, expected, (size_t)length)) return TEXT;
  int completion = options.chunks ? options.chunks : COMPLETION_TOKENS;
  return c->prompt == PROMPT_TOKENS && c->completion == completion ? GOOD : USAGE;
}

static void remember_error(Connection *c, Verdict verdict) {
  if (result.first_error[0]) return;
  char sample[160];
  size_t to = 0;
  const Bytes *from = verdict == TEXT ? &c->text : &c->body;
  for (size_t i = 0; i < from->length && to < sizeof sample - 1; i++) {
    char letter = from->data[i];
    sample[to++] = letter < 32 || letter == '"' || letter == '\\' ? '\'' : letter;
  }
  sample[to] = 0;
  snprintf(result.first_error, sizeof result.first_error,
           "%s: status %d, usage %d+%d, %d parts: %s", VERDICTS[verdict], c->status, c->prompt,
           c->completion, c->parts, sample);
}

// ---- sending ----

static void hang_up(Connection *c) {
  if (c->fd >= 0) close(c->fd);
  c->fd = -1;
  c->reused = false;
}

static bool dial(Connection *c) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)options.port)};
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int yes = 1;
  if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&to, sizeof to)) {
    hang_up(c);
    return false;
  }
  setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  result.connects++;
  struct epoll_event event = {.events = EPOLLIN, .data.u32 = (uint32_t)c->number};
  return !epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &event);
}

static void reset_reply(Connection *c) {
  c->head_done = c->chunked = c->until_close = c->ended = c->last_piece = c->malformed = false;
  c->server_closes = false;
  c->status = c->prompt = c->completion = c->parts = 0;
  c->left = 0;
  c->first_text = 0;
  c->scanned = c->raw.length = c->body.length = c->text.length = 0;
}

static void finish(Connection *c, Verdict verdict);

static void transmit(Connection *c) { // the socket blocks on writing: a request is small
  reset_reply(c);
  if (c->fd < 0 && !dial(c)) return finish(c, BROKEN);
  if (send(c->fd, c->request, (size_t)c->request_length, MSG_NOSIGNAL) != c->request_length) hang_up(c);
  if (c->fd >= 0) return;
  if (c->resent) return finish(c, BROKEN);
  c->resent = true; // the server had closed this idle connection: a client dials again, once
  result.resent++;
  if (!dial(c) || send(c->fd, c->request, (size_t)c->request_length, MSG_NOSIGNAL) != c->request_length)
    finish(c, BROKEN);
}

static bool may_start(void) {
  return options.requests ? started_requests < options.requests : now() < deadline;
}

static void start(Connection *c) {
  c->mark = next_mark++;
  memcpy(c->request, template, (size_t)template_length);
  script_mark(c->request + template_mark, c->mark);
  c->request_length = template_length;
  c->busy = true;
  c->resent = false;
  c->started = now();
  busy++;
  started_requests++;
  transmit(c);
}

static void finish(Connection *c, Verdict verdict) {
  int64_t t = now();
  result.verdicts[verdict]++;
  result.parts += c->parts;
  last_reply = t;
  if (verdict == GOOD) {
    record(&result.whole, &result.wholes, &result.whole_room, t - c->started);
    record(&result.first, &result.firsts, &result.first_room, c->first_text - c->started);
  } else remember_error(c, verdict);
  if (verdict == BROKEN || verdict == LATE || c->server_closes) hang_up(c);
  c->reused = c->fd >= 0;
  c->busy = false;
  busy--;
  if (verdict == BROKEN) usleep(1000); // a dead server must not be hammered
}

// ---- reading ----

static const char *header(Connection *c, const char *name) {
  const char *found = strcasestr(c->raw.data, name);
  return found ? found + strlen(name) : NULL;
}

static bool read_head(Connection *c) {
  char *end = memmem(c->raw.data, c->raw.length, "\r\n\r\n", 4);
  if (!end) return false;
  end[2] = 0;
  const char *length = header(c, "\r\ncontent-length:"), *closing = header(c, "\r\nconnection: close");
  c->chunked = header(c, "\r\ntransfer-encoding: chunked") != NULL;
  c->status = c->raw.length > 12 ? atoi(c->raw.data + 9) : 0;
  c->left = length ? atol(length) : 0;
  c->until_close = !length && !c->chunked;
  c->server_closes = closing != NULL;
  c->head_done = true;
  take(&c->raw, (size_t)(end - c->raw.data) + 4);
  return true;
}

static void keep(Connection *c, size_t length) { // body bytes off the front of `raw`
  add(&c->body, c->raw.data, length);
  take(&c->raw, length);
}

// Moves pieces of a chunked body. Returns whether the last has come.
static bool read_pieces(Connection *c) {
  for (;;) {
    if (c->left > 0) {
      size_t most = c->raw.length < (size_t)c->left ? c->raw.length : (size_t)c->left;
      keep(c, most);
      c->left -= (long)most;
      if (c->left) return false;
      c->left = -1; // a line end is owed
    }
    if (c->left < 0) {
      if (c->raw.length < 2) return false;
      if (memcmp(c->raw.data, "\r\n", 2)) c->malformed = true;
      take(&c->raw, 2);
      c->left = 0;
      if (c->last_piece) return true;
    }
    char *end = c->raw.length ? memmem(c->raw.data, c->raw.length, "\r\n", 2) : NULL;
    if (!end) return false;
    char *stop;
    c->left = strtol(c->raw.data, &stop, 16);
    if (stop == c->raw.data) c->malformed = true;
    take(&c->raw, (size_t)(end - c->raw.data) + 2);
    if (!c->left) {
      c->last_piece = true;
      c->left = -1;
    }
  }
}

static bool read_body(Connection *c) {
  if (c->chunked) return read_pieces(c);
  if (c->until_close) {
    keep(c, c->raw.length);
    return false;
  }
  size_t most = c->raw.length < (size_t)c->left ? c->raw.length : (size_t)c->left;
  keep(c, most);
  c->left -= (long)most;
  return c->left == 0;
}

static void lost(Connection *c) { // the server closed
  if (!c->busy) return hang_up(c);
  if (c->head_done && c->until_close) return finish(c, judge(c)), hang_up(c);
  bool untouched = c->reused && !c->head_done && !c->raw.length && !c->resent;
  if (!untouched) return finish(c, BROKEN);
  hang_up(c);
  c->resent = true;
  result.resent++;
  transmit(c);
}

static void receive(Connection *c) {
  static char buffer[262144];
  ssize_t n = recv(c->fd, buffer, sizeof buffer, MSG_DONTWAIT);
  if (n < 0 && errno == EAGAIN) return;
  if (n <= 0) return lost(c);
  if (!c->busy) return hang_up(c); // nobody asked
  result.bytes += n;
  add(&c->raw, buffer, (size_t)n);
  while (!c->head_done && read_head(c))
    if (c->status == 100) reset_reply(c);
  if (!c->head_done) return;
  bool complete = read_body(c);
  if (options.chunks && c->status == 200 && c->body.length) check_events(c);
  if (complete) finish(c, judge(c));
}

// ---- the run ----

static void write_template(void) {
  char body[LONGEST_REQUEST / 2];
  int length = sprintf(
      body, "{\"model\":\"%s\",\"messages\":[{\"role\":\"user\",\"content\":\"[r00000000] Read the text"
            " about a river that follows and say in one sentence what it wants of the reader.", options.model);
  for (int i = 0; i < 8; i++)
    length += sprintf(body + length, " The water, it says, keeps no promise but the shortest way down.");
  length += sprintf(body + length, "\"}],\"max_tokens\":%d,\"temperature\":0.2%s}", MOST_CHUNKS + 1,
                    options.chunks ? ",\"stream\":true,\"stream_options\":{\"include_usage\":true}" : "");
  template_length = snprintf(template, sizeof template,
                             "POST %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/json\r\n"
                             "%sContent-Length: %d\r\n\r\n%s", options.path, options.port,
                             options.headers, length, body);
  template_mark = (int)(strstr(template, "[r00000000]") - template);
}

static void look_for_late(void) {
  int64_t limit = now() - (int64_t)(options.patience * 1e9);
  for (int i = 0; i < options.connections; i++)
    if (connections[i].busy && connections[i].started < limit) finish(&connections[i], LATE);
}

static void start_idle(void) { // those whose turn in the ramp has come
  int64_t t = now();
  for (int i = 0; i < options.connections && may_start(); i++) {
    int64_t turn = begun + (int64_t)options.ramp_ms * 1000000 * i / options.connections;
    if (t < turn) return;
    if (!connections[i].busy) start(&connections[i]);
  }
}

static void run(void) {
  struct epoll_event events[256];
  begun = last_reply = now();
  deadline = begun + (int64_t)(options.seconds * 1e9);
  next_mark = (unsigned)(begun / 1000 % 80000000) + 1;
  int64_t next_look = begun + 1000000000;
  bool ramping = true;
  start_idle();
  while (busy || may_start()) {
    int ready = epoll_wait(poller, events, 256, ramping ? 1 : 100);
    for (int i = 0; i < ready; i++) {
      Connection *c = &connections[events[i].data.u32];
      if (c->fd < 0) continue;
      receive(c);
      if (!ramping && !c->busy && may_start()) start(c);
    }
    int64_t t = now();
    if (ramping || !ready) start_idle();
    ramping = t < begun + (int64_t)options.ramp_ms * 1000000;
    if (t > next_look) {
      look_for_late();
      start_idle();
      next_look = t + 1000000000;
    }
  }
}

static int by_size(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return (x > y) - (x < y);
}

static uint32_t quantile(const uint32_t *sorted, size_t count, double share) {
  return count ? sorted[(size_t)((double)(count - 1) * share + 0.5)] : 0;
}

static void report(void) {
  qsort(result.whole, result.wholes, sizeof *result.whole, by_size);
  qsort(result.first, result.firsts, sizeof *result.first, by_size);
  long bad = 0;
  for (int i = STATUS; i < KINDS; i++) bad += result.verdicts[i];
  printf("{\"good\":%ld,\"bad\":%ld,\"seconds\":%.6f,\"parts\":%ld,\"bytes\":%ld,\"connects\":%ld,\"resent\":%ld,",
         result.verdicts[GOOD], bad, (double)(last_reply - begun) / 1e9, result.parts, result.bytes,
         result.connects, result.resent);
  for (int i = STATUS; i < KINDS; i++) printf("\"%s\":%ld,", VERDICTS[i], result.verdicts[i]);
  printf("\"p50_us\":%u,\"p90_us\":%u,\"p99_us\":%u,\"max_us\":%u,\"first_p50_us\":%u,\"first_p99_us\":%u,"
         "\"first_error\":\"%s\"}\n",
         quantile(result.whole, result.wholes, .5), quantile(result.whole, result.wholes, .9),
         quantile(result.whole, result.wholes, .99), quantile(result.whole, result.wholes, 1),
         quantile(result.first, result.firsts, .5), quantile(result.first, result.firsts, .99),
         result.first_error);
}

static void read_options(int count, char **words) {
  static const struct option known[] = {
      {"port", 1, 0, 'p'},     {"path", 1, 0, 'u'},     {"model", 1, 0, 'm'},    {"header", 1, 0, 'h'},
      {"seconds", 1, 0, 's'},  {"requests", 1, 0, 'n'}, {"stream", 1, 0, 'c'},   {"ramp-ms", 1, 0, 'r'},
      {"patience", 1, 0, 't'}, {"connections", 1, 0, 'x'}, {0}};
  for (int c; (c = getopt_long(count, words, "", known, NULL)) != -1;) switch (c) {
    case 'p': options.port = atoi(optarg); break;
    case 'u': options.path = optarg; break;
    case 'm': options.model = optarg; break;
    case 's': options.seconds = atof(optarg); break;
    case 'n': options.requests = atoi(optarg); break;
    case 'c': options.chunks = atoi(optarg); break;
    case 'r': options.ramp_ms = atoi(optarg); break;
    case 't': options.patience = atof(optarg); break;
    case 'x': options.connections = atoi(optarg); break;
    case 'h':
      if (strlen(options.headers) + strlen(optarg) + 3 > sizeof options.headers) exit(2);
      strcat(strcat(options.headers, optarg), "\r\n");
      break;
    default: exit(2);
    }
  bool sane = options.port && options.model && strlen(options.model) < 200 && strlen(options.path) < 200 &&
              options.connections > 0 && options.connections <= MOST_CONNECTIONS &&
              options.chunks <= MOST_CHUNKS && (options.requests > 0 || options.seconds > 0);
  if (!sane) {
    fprintf(stderr, "load: --port, --model and --seconds or --requests are needed, within bounds\n");
    exit(2);
  }
}

int main(int count, char **words) {
  read_options(count, words);
  settle_in();
  poller = epoll_create1(EPOLL_CLOEXEC);
  connections = calloc((size_t)options.connections, sizeof *connections);
  if (!connections) abort();
  for (int i = 0; i < options.connections; i++) connections[i].fd = -1, connections[i].number = i;
  write_template();
  run();
  report();
  return 0;
}
