// SPDX-License-Identifier: MIT
#include "sched/replay.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "sched/order.h"

// ---------------------------------------------------------------------------
// Recording
// ---------------------------------------------------------------------------

static void write_out(struct inputs *all, const void *bytes, size_t size_bytes)
{
    if (size_bytes > 0 && !all->has_record_failed) {
        all->has_record_failed = !all->record(all->record_ud, bytes, size_bytes);
    }
}

void lg__replay_record(lg_input *in, enum log_kind kind, const void *bytes,
                       size_t size_bytes)
{
    struct lg_runtime *rt = in->rt;
    struct inputs *all = &rt->inputs;
    if (!all->record) {
        return;
    }
    struct log_head head = {
        .kind = kind,
        .input = in->number,
        .ndecisions = rt->order.ndecisions,
        .sum = rt->order.sum,
        .now_ns = lg__now(rt),
        .size_bytes = (uint32_t)size_bytes,
    };
    lg__log_seal(&head, bytes, all->check);
    all->check = head.check;
    write_out(all, &head, sizeof head);
    write_out(all, bytes, size_bytes);
}

// Before the first goroutine has run, and inputs are there.
static bool is_fresh(struct lg_runtime *rt)
{
    const struct inputs *all = &rt->inputs;
    // relaxed: nothing runs
    return lg__order_is_kept(rt) && rt->order.ndecisions == 0 && all->nopened == 0 &&
           !all->record &&
           !atomic_load_explicit(&all->is_replaying, memory_order_relaxed);
}

int lg_record_start(lg_runtime *rt,
                    bool (*write)(void *ud, const void *bytes, size_t size), void *ud)
{
    struct inputs *all = &rt->inputs;
    if (!is_fresh(rt)) {
        return LG_EINVAL;
    }
    unsigned char head[LOG_HEAD_BYTES];
    lg__log_begin(rt->options.seed, head);
    all->record = write;
    all->record_ud = ud;
    write_out(all, head, sizeof head);
    return LG_OK;
}

int lg_record_stop(lg_runtime *rt)
{
    struct inputs *all = &rt->inputs;
    all->record = NULL;
    return all->has_record_failed ? LG_EBROKEN : LG_OK;
}

// ---------------------------------------------------------------------------
// Replaying
// ---------------------------------------------------------------------------

bool lg__input_is_replaying(struct lg_runtime *rt)
{
    const struct inputs *all = &rt->inputs;
    // relaxed: set before anything runs; the other by who has the P
    return atomic_load_explicit(&all->is_replaying, memory_order_relaxed) &&
           !atomic_load_explicit(&all->has_diverged, memory_order_relaxed);
}

__attribute__((format(printf, 2, 3))) static void diverge(struct lg_runtime *rt,
                                                          const char *format, ...)
{
    struct inputs *all = &rt->inputs;
    int length =
        snprintf(all->why, sizeof all->why,
                 "the run takes another course than the recorded one, after %" PRIu64
                 " decisions: ",
                 rt->order.ndecisions);
    va_list args;
    va_start(args, format);
    vsnprintf(all->why + length, sizeof all->why - (size_t)length, format, args);
    va_end(args);
    // release: pairs with the acquire in lg_replay_error(); publishes the words
    atomic_store_explicit(&all->has_diverged, true, memory_order_release);
    lg__input_wake_all(rt);
}

const char *lg_replay_error(lg_runtime *rt)
{
    // acquire: pairs with the release in diverge()
    return atomic_load_explicit(&rt->inputs.has_diverged, memory_order_acquire)
               ? rt->inputs.why
               : NULL;
}

static void advance(struct inputs *all)
{
    const char *why;
    all->has_next = lg__log_next(&all->reader, &all->next, &why); // it was checked before
}

bool lg_is_replaying(lg_runtime *rt)
{
    // relaxed: set before anything runs
    return atomic_load_explicit(&rt->inputs.is_replaying, memory_order_relaxed);
}

// Whether entries make sense beside each other: inputs are opened in order, before anything
// comes, and nothing comes behind their end; places never go back.
struct log_course {
    uint32_t nopened;
    uint64_t ndecisions;
    int64_t now_ns;
};

static bool follows(struct log_course *course, const struct log_head *head)
{
    bool is_open = head->kind == LOG_OPEN;
    course->nopened += is_open;
    bool is_known = is_open ? head->input == course->nopened
                            : head->input > 0 && head->input <= course->nopened;
    bool is_later = head->ndecisions >= course->ndecisions &&
                    head->now_ns >= course->now_ns && head->now_ns < LG_NEVER;
    course->ndecisions = head->ndecisions;
    course->now_ns = head->now_ns;
    return is_known && is_later;
}

static const char *check_all(struct log_reader reader, struct log_entry *out,
                             size_t *out_at)
{
    struct log_course course = {0};
    const char *why = NULL;
    while (lg__log_next(&reader, out, &why)) {
        if (!follows(&course, &out->head)) {
            why = "it is damaged";
            break;
        }
    }
    *out_at = (size_t)(reader.at - reader.begin);
    return why;
}

int lg_replay_start(lg_runtime *rt, const void *log, size_t size_bytes, char *why,
                    size_t why_size)
{
    struct inputs *all = &rt->inputs;
    struct log_reader reader;
    struct log_entry entry;
    uint64_t seed;
    size_t at = 0;
    if (!is_fresh(rt)) {
        snprintf(why, why_size, "the runtime is not deterministic, or has begun already");
        return LG_EINVAL;
    }
    const char *wrong = lg__log_open(log, size_bytes, &seed, &reader);
    wrong = wrong ? wrong : check_all(reader, &entry, &at);
    if (wrong) {
        snprintf(why, why_size, "%s (at byte %zu)", wrong, at);
        return LG_EINVAL;
    }
    rt->options.seed = seed;
    lg__p_seed(lg__p_at(rt, 0), seed);
    all->reader = reader;
    // relaxed: nothing runs yet
    atomic_store_explicit(&all->is_replaying, true, memory_order_relaxed);
    advance(all);
    return LG_OK;
}

static const char *what_is(const struct log_head *head)
{
    return head->kind == LOG_OPEN ? "an input is opened" : "a message comes";
}

// Whether the run is where an entry was written. Diverges if it has been there, or came
// there in another way.
static bool is_here(struct lg_runtime *rt, const struct log_head *head)
{
    if (head->ndecisions < rt->order.ndecisions) {
        diverge(rt, "%s after %" PRIu64 " there", what_is(head), head->ndecisions);
        return false;
    }
    if (head->ndecisions > rt->order.ndecisions) {
        return false;
    }
    if (head->sum != rt->order.sum) {
        diverge(rt, "other goroutines have run, or done other things");
        return false;
    }
    return true;
}

void lg__replay_open(lg_input *in)
{
    struct lg_runtime *rt = in->rt;
    struct inputs *all = &rt->inputs;
    lg__replay_record(in, LOG_OPEN, in->name, strlen(in->name));
    if (!lg__input_is_replaying(rt)) {
        return;
    }
    const struct log_entry *next = &all->next;
    if (!all->has_next || next->head.kind != LOG_OPEN) {
        diverge(rt, "input '%s' is opened, which is not there", in->name);
    } else if (next->head.size_bytes != strlen(in->name) ||
               memcmp(next->bytes, in->name, next->head.size_bytes) != 0) {
        diverge(rt, "input '%s' is opened, there it is '%.*s'", in->name,
                (int)(next->head.size_bytes < 32 ? next->head.size_bytes : 32),
                (const char *)next->bytes);
    } else if (is_here(rt, &next->head)) {
        advance(all);
    } else if (lg__input_is_replaying(rt)) {
        diverge(rt, "input '%s' is opened, there that is after %" PRIu64, in->name,
                next->head.ndecisions);
    }
}

static void take_in(struct lg_runtime *rt, const struct log_entry *entry)
{
    lg_input *in = lg_input_find(rt, entry->head.input);
    struct message *m =
        in ? lg__input_message(in, entry->bytes, entry->head.size_bytes) : NULL;
    if (!m) {
        diverge(rt, in ? "there is no memory"
                       : "an input is closed which gets a message there");
        return;
    }
    m->is_end = entry->head.kind == LOG_END;
    lg__input_deliver(m);
}

void lg__replay_look(struct lg_runtime *rt)
{
    struct inputs *all = &rt->inputs;
    while (all->has_next && lg__input_is_replaying(rt)) {
        const struct log_entry entry = all->next;
        // An input that is not opened in time is found at the next decision.
        bool is_opened = entry.head.kind == LOG_OPEN;
        if (is_opened && entry.head.ndecisions >= rt->order.ndecisions) {
            return;
        }
        if (!is_here(rt, &entry.head) || entry.head.now_ns > lg__now(rt)) {
            return;
        }
        advance(all);
        take_in(rt, &entry);
    }
}

static bool is_anyone_waiting(struct inputs *all)
{
    bool is_waiting = false;
    lg__lock(&all->lock, RANK_INPUTS);
    for (struct node *node = all->all.first; node; node = node->next) {
        is_waiting |= LG_CONTAINER_OF(node, struct lg_input, node)->has_waiter;
    }
    lg__unlock(&all->lock, RANK_INPUTS);
    return is_waiting;
}

int64_t lg__input_next(struct lg_runtime *rt, bool is_still)
{
    struct inputs *all = &rt->inputs;
    if (!lg__input_is_replaying(rt)) {
        return LG_NEVER;
    }
    const struct log_head *head = &all->next.head;
    if (all->has_next && head->kind != LOG_OPEN &&
        head->ndecisions == rt->order.ndecisions) {
        return head->now_ns;
    }
    if (is_still && all->has_next) {
        diverge(rt, "everything waits, there %s after %" PRIu64, what_is(head),
                head->ndecisions);
    } else if (is_still && is_anyone_waiting(all)) {
        diverge(rt, "everything waits, and the recording has no more");
    }
    // Who waited for an input is ready now.
    return lg__input_is_replaying(rt) ? LG_NEVER : lg__now(rt);
}
