// SPDX-License-Identifier: MIT
//
// Channels of a strand that become everybody's.
#include "script.h"
#include "spec.h"

// As the bindings': a word and a reference.
struct cell {
    uint64_t word;
    void *ref;
};

static const lg_field cell_fields[] = {
    LG_FIELD(struct cell, word, LG_FIELD_UINT),
    LG_FIELD(struct cell, ref, LG_FIELD_REF),
};
static const lg_type_info cell_info = LG_TYPE_INFO(struct cell, cell_fields);

static lg_chan *ch;
static lg_strand *strand;
static struct interpreter interpreter;
static lg_handle *slots_handle;
static uint64_t seen[16];
static int nseen;
static _Atomic uint64_t sum;
static _Atomic int nended;

static void note(__attribute__((unused)) void *ud, void *elem)
{
    seen[nseen++] = ((struct cell *)elem)->word;
}

static void add_hundred(__attribute__((unused)) void *ud, void *elem)
{
    ((struct cell *)elem)->word += 100;
}

static lg_chan *strand_chan(lg_runtime *rt, size_t cap)
{
    lg_chan *out;
    strand = script_strand(rt, &interpreter);
    CHECK_OK(lg_chan_new(rt, strand, sizeof(struct cell), cap, &out));
    nseen = 0;
    return out;
}

static void put(uint64_t word)
{
    struct cell cell = {.word = word};
    CHECK_OK(lg_chan_send(ch, &cell, 0));
}

static uint64_t take(void)
{
    struct cell cell = {0};
    CHECK_OK(lg_chan_recv(ch, &cell, 0));
    return cell.word;
}

static void *new_slots(lg_runtime *rt, size_t cap)
{
    lg_type *type;
    CHECK_OK(lg_type_register(rt, &cell_info, &type));
    CHECK_OK(lg_handle_new_object(rt, type, cap, &slots_handle));
    return lg_handle_get(slots_handle);
}

it("chan.each", "visits a buffer oldest first, also behind its end, and may change it")
{
    lg_runtime *host = spec_open(1);
    ch = strand_chan(host, 3);
    put(1);
    put(2);
    put(3);
    CHECK_INT(take(), 1);
    put(4);
    lg_chan_each(ch, note, NULL);
    CHECK_INT(nseen, 3);
    CHECK(seen[0] == 2 && seen[1] == 3 && seen[2] == 4);
    lg_chan_each(ch, add_hundred, NULL);
    CHECK_INT(take(), 102);
    CHECK_INT(take(), 103);
    CHECK_INT(take(), 104);
    lg_chan_free(ch);
    lg_strand_close(strand);
}

it("chan.share", "keeps what is in the buffer, in the object that it is given")
{
    lg_runtime *host = spec_open(1);
    ch = strand_chan(host, 3);
    put(1);
    put(2);
    CHECK_INT(take(), 1);
    put(3);
    put(4);
    struct cell *slots = new_slots(host, 3);
    lg_chan_share(ch, slots);
    CHECK(slots[0].word + slots[1].word + slots[2].word == 9);
    CHECK_INT(lg_chan_len(ch), 3);
    CHECK_INT(take(), 2);
    CHECK_INT(take(), 3);
    CHECK_INT(take(), 4);
    lg_chan_free(ch);
    lg_handle_free(slots_handle);
    lg_strand_close(strand);
}

it("chan.free", "frees a channel of a strand that is closed already")
{
    lg_runtime *host = spec_open(1);
    ch = strand_chan(host, 1);
    put(1);
    lg_strand_close(strand);
    lg_chan_free(ch);
    CHECK_INT(spec_stats(host).channels, 0);
}

// Scripts wait on the channel when it is shared; natives of any P then deal with them.
enum { NSCRIPTS = 4 };

static int sender(struct script *script, int result)
{
    struct cell *cell = (struct cell *)(void *)script->words;
    cell->word = (uint64_t)(uintptr_t)script->arg;
    SCRIPT_BEGIN
    SCRIPT_AWAIT(lg_chan_send(ch, cell, LG_NEVER));
    CHECK_OK(result);
    nended++;
    SCRIPT_END
}

static int receiver(struct script *script, int result)
{
    struct cell *cell = (struct cell *)(void *)script->words;
    SCRIPT_BEGIN
    SCRIPT_AWAIT(lg_chan_recv(ch, cell, LG_NEVER));
    CHECK_OK(result);
    sum += cell->word;
    nended++;
    SCRIPT_END
}

static void share_inside(__attribute__((unused)) lg_post *post)
{
    lg_chan_each(ch, note, NULL);
    lg_chan_share(ch, NULL);
    nended++;
}

static void native_receiver(__attribute__((unused)) void *arg)
{
    struct cell cell;
    CHECK_OK(lg_chan_recv(ch, &cell, LG_NEVER));
    sum += cell.word;
    nended++;
}

static void native_sender(void *arg)
{
    struct cell cell = {.word = (uint64_t)(uintptr_t)arg};
    CHECK_OK(lg_chan_send(ch, &cell, LG_NEVER));
    nended++;
}

static void share_and_serve(void *arg)
{
    void (*partner)(void *) = *(void (**)(void *))arg;
    lg_runtime *rt = lg_current();
    SETTLE(spec_waiting(rt, NULL) >= NSCRIPTS);
    lg_post post = {.fn = share_inside};
    lg_strand_post(strand, &post);
    SETTLE(nended == 1);
    for (uintptr_t i = 1; i <= NSCRIPTS; i++) {
        spec_go(rt, partner, (void *)i);
    }
    SETTLE(nended == 1 + 2 * NSCRIPTS);
}

static void serve(lg_runtime *rt, script_step step, void (*partner)(void *))
{
    ch = strand_chan(rt, 0);
    nended = 0;
    sum = 0;
    for (uintptr_t i = 1; i <= NSCRIPTS; i++) {
        script_go(strand, step, (void *)i);
    }
    spec_main(rt, share_and_serve, &partner);
    CHECK_INT(sum, NSCRIPTS * (NSCRIPTS + 1) / 2);
    lg_chan_free(ch);
    lg_strand_close(strand);
}

it("chan.share", "leaves senders waiting, and other Ps receive from them")
{
    serve(spec_open(2), sender, native_receiver);
    CHECK_INT(nseen, NSCRIPTS); // each() has met them, first come, first
    CHECK(seen[0] == 1 && seen[NSCRIPTS - 1] == NSCRIPTS);
}

it("chan.share", "leaves receivers waiting, and other Ps send to them")
{
    serve(spec_open(2), receiver, native_sender);
    CHECK_INT(nseen, 0);
}
