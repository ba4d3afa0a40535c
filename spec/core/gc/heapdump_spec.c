// SPDX-License-Identifier: MIT
//
// The heap dump: every live object once, what is in it, and why it is alive.
#include <stdio.h>

#include "os/vm.h"
#include "spec.h"

struct pair {
    struct pair *left;
    void *right;
    int32_t small;
    uint16_t tiny;
    int8_t more[2];
    double real;
    float half;
    unsigned char raw[4];
    void *table[10];
};

static const lg_field pair_fields[] = {
    LG_FIELD(struct pair, left, LG_FIELD_REF),
    LG_FIELD(struct pair, right, LG_FIELD_REF),
    LG_FIELD(struct pair, small, LG_FIELD_INT),
    LG_FIELD(struct pair, tiny, LG_FIELD_UINT),
    LG_FIELD_ARRAY(struct pair, more, LG_FIELD_INT),
    LG_FIELD(struct pair, real, LG_FIELD_FLOAT),
    LG_FIELD(struct pair, half, LG_FIELD_FLOAT),
    LG_FIELD(struct pair, raw, LG_FIELD_BYTES),
    LG_FIELD_ARRAY(struct pair, table, LG_FIELD_REF),
};
static const lg_type_info pair_info = LG_TYPE_INFO(struct pair, pair_fields);

static lg_type *pair_type;
static lg_handle *kept;
static _Atomic int n_done;
static void *words[4]; // roots

enum { TEXT_MAX = 1 << 23 };

struct text {
    char *bytes;
    size_t len;
    size_t nlines;
};

static void take_line(void *ud, const char *line)
{
    struct text *text = ud;
    size_t len = strlen(line);
    CHECK(text->len + len + 2 < TEXT_MAX);
    memcpy(text->bytes + text->len, line, len);
    text->bytes[text->len + len] = '\n';
    text->len += len + 1;
    text->bytes[text->len] = 0;
    text->nlines++;
}

static struct text dump(lg_runtime *rt)
{
    struct text text = {.bytes = malloc(TEXT_MAX)};
    CHECK(text.bytes);
    CHECK_OK(lg_heap_dump(rt, take_line, &text));
    return text;
}

// The line of an object, without its end; NULL: it has none.
static char *line_of(const struct text *text, const void *obj)
{
    char head[40];
    snprintf(head, sizeof head, "\n%p ", obj);
    const char *at = strstr(text->bytes, head);
    if (!at) {
        return NULL;
    }
    at++;
    size_t len = (size_t)(strchr(at, '\n') - at);
    char *line = malloc(len + 1);
    memcpy(line, at, len);
    line[len] = 0;
    const char *again = strstr(at + len, head);
    CHECK(!again);
    return line;
}

static struct pair *pair_new(int32_t number)
{
    struct pair *pair = lg_new(pair_type);
    CHECK(pair);
    pair->small = number;
    return pair;
}

static void open_types(lg_runtime *rt)
{
    CHECK_OK(lg_type_register(rt, &pair_info, &pair_type));
}

static void apart(lg_runtime *rt, void (*fn)(void *arg))
{
    int before = n_done;
    spec_go(rt, fn, rt);
    SETTLE(n_done == before + 1);
    SETTLE(lg_num_goroutine(rt) == 1);
}

static void make_filled(void *arg)
{
    struct pair *pair = pair_new(-7);
    pair->tiny = 65535;
    pair->more[0] = -128;
    pair->more[1] = 127;
    pair->real = 0.5;
    pair->half = -0.25F;
    memcpy(pair->raw, "\x01\xab\x00\xff", 4);
    struct pair *other = pair_new(1);
    lg_store(&pair->left, other);
    lg_store(&pair->right, &other->real);
    lg_store(&pair->table[3], pair);
    CHECK_OK(lg_handle_new(arg, pair, &kept));
    n_done++;
}

it("the heap dump", "tells type, size and fields of an object, each by its kind",
   .procs = 2)
{
    open_types(rt);
    apart(rt, make_filled);
    struct text text = dump(rt);
    struct pair *pair = lg_handle_get(kept);
    char *line = line_of(&text, pair);
    CHECK(line);
    char part[200];
    snprintf(part, sizeof part,
             " struct pair {left=%p struct pair, right=%p+%zu struct pair, small=-7, "
             "tiny=65535, more=[-128, 127], real=0.5, half=-0.25, raw=0x01ab00ff, "
             "table=[NULL, NULL, NULL, %p struct pair, ",
             (void *)pair->left, (void *)pair->left, offsetof(struct pair, real),
             (void *)pair);
    CHECK_HAS(line, part);
    CHECK_HAS(line, "... of 10]} <- a handle");
    lg_handle_free(kept);
    free(line);
    free(text.bytes);
}

static void make_path(__attribute__((unused)) void *arg)
{
    struct pair *top = pair_new(1);
    struct pair *middle = pair_new(2);
    lg_store(&words[2], top);
    lg_store(&top->table[4], middle);
    lg_store(&middle->left, pair_new(3));
    n_done++;
}

it("the heap dump", "tells a shortest path from a root", .procs = 2)
{
    open_types(rt);
    CHECK_OK(lg_root_add(rt, "words", words, 4));
    apart(rt, make_path);
    struct text text = dump(rt);
    struct pair *top = words[2];
    struct pair *middle = top->table[4];
    char *line = line_of(&text, middle->left);
    CHECK(line);
    char part[200];
    snprintf(part, sizeof part,
             "} <- %p struct pair.left <- %p struct pair.table[4] <- root words[2]",
             (void *)middle, (void *)top);
    CHECK_HAS(line, part);
    CHECK_OK(lg_root_remove(rt, words));
    free(line);
    free(text.bytes);
}

enum { LONG = 1000 };

static void make_long(void *arg)
{
    struct pair *first = NULL;
    for (int32_t i = LONG; i > 0; i--) {
        struct pair *pair = pair_new(i);
        lg_store(&pair->left, first);
        first = pair;
    }
    CHECK_OK(lg_handle_new(arg, first, &kept));
    n_done++;
}

it("the heap dump", "tells of a long path its ends, and the other lines the rest",
   .procs = 2)
{
    open_types(rt);
    apart(rt, make_long);
    struct text text = dump(rt);
    struct pair *above = NULL;
    int n_long = 0;
    for (struct pair *pair = lg_handle_get(kept); pair; pair = pair->left) {
        char *line = line_of(&text, pair);
        CHECK(line);
        char part[200];
        snprintf(part, sizeof part, "} <- %p struct pair.left <- ", (void *)above);
        CHECK_HAS(line, above ? part : "} <- a handle");
        snprintf(part, sizeof part, " <- ... %d more <- a handle", pair->small - 2);
        n_long += strstr(line, part) != NULL;
        free(line);
        above = pair;
    }
    CHECK_INT(n_long, LONG - 33);
    lg_handle_free(kept);
    free(text.bytes);
}

static void make_arrays(void *arg)
{
    struct pair *array = lg_new_array(pair_type, 100);
    lg_store(&words[0], array);
    lg_store(&array[57].right, pair_new(58));
    array[99].small = 99;
    char *text = lg_new_bytes(arg, 100);
    memcpy(text, "text", sizeof "text");
    lg_store(&words[1], text);
    n_done++;
}

it("the heap dump", "tells of arrays the elements that are not zero", .procs = 2)
{
    open_types(rt);
    CHECK_OK(lg_root_add(rt, "words", words, 4));
    apart(rt, make_arrays);
    struct text text = dump(rt);
    struct pair *array = words[0];
    char *line = line_of(&text, array);
    CHECK(line);
    CHECK_HAS(line, " struct pair[1");
    CHECK_HAS(line, " {[57]={left=NULL, right=0x");
    CHECK_HAS(line, "}, [99]={left=NULL, ");
    CHECK_HAS(line, " <- root words[0]");
    free(line);
    line = line_of(&text, array[57].right);
    CHECK(line);
    char part[200];
    snprintf(part, sizeof part, "} <- %p struct pair[1", (void *)array);
    CHECK_HAS(line, part);
    CHECK_HAS(line, "][57].right <- root words[0]");
    free(line);
    line = line_of(&text, words[1]);
    CHECK(line);
    CHECK_HAS(line, " bytes {0x74657874");
    CHECK_HAS(line, "} <- root words[1]");
    CHECK_OK(lg_root_remove(rt, words));
    free(line);
    free(text.bytes);
}

static lg_chan *hold;

static void hold_one(__attribute__((unused)) void *arg)
{
    struct pair *pair = pair_new(77);
    lg_set_name("holder");
    words[3] = (void *)~(uintptr_t)pair; // no root: only so that the spec knows it
    n_done++;
    CHECK_CODE(lg_chan_recv(hold, NULL, LG_NEVER), LG_ECLOSED);
    CHECK_INT(pair->small, 77);
    lg_keep_alive(pair);
}

it("the heap dump", "names the goroutine on whose stack an object is held", .procs = 2)
{
    open_types(rt);
    hold = spec_chan(rt, 0, 0);
    lg_ref ref = spec_go(rt, hold_one, NULL);
    SETTLE(spec_waiting(rt, "chan receive") == 1);
    struct text text = dump(rt);
    char *line = line_of(&text, (void *)~(uintptr_t)words[3]);
    CHECK(line);
    char part[80];
    snprintf(part, sizeof part, "} <- goroutine %llu holder", (unsigned long long)ref.id);
    CHECK_HAS(line, part);
    CHECK_OK(lg_chan_close(hold));
    SETTLE(lg_num_goroutine(rt) == 1);
    lg_chan_free(hold);
    free(line);
    free(text.bytes);
}

static void make_garbage(void *arg)
{
    for (int i = 0; i < 5000; i++) {
        pair_new(i);
    }
    make_long(arg);
}

it("the heap dump", "has a line for each object that is alive, and for no other",
   .procs = 2)
{
    open_types(rt);
    apart(rt, make_garbage);
    struct text text = dump(rt);
    unsigned nobjects;
    size_t nbytes;
    CHECK_INT(sscanf(text.bytes, "heap: %u objects, %zu bytes\n", &nobjects, &nbytes), 2);
    CHECK_INT(text.nlines, nobjects + 1);
    CHECK_BETWEEN(nobjects, LONG, LONG + 100); // stray words on some stack
    CHECK_BETWEEN(nbytes, LONG * sizeof(struct pair),
                  (LONG + 100) * 2 * sizeof(struct pair));
    lg_handle_free(kept);
    free(text.bytes);
}

static void count_line(void *ud, __attribute__((unused)) const char *line)
{
    (*(size_t *)ud)++;
}

it("the heap dump without memory", "says so, and has told nothing", .procs = 2)
{
#ifdef LG_CHECK
    open_types(rt);
    apart(rt, make_long);
    int n_refused = 0;
    int err;
    do {
        size_t nlines = 0;
        lg__vm_fail_after(n_refused + 1, true);
        err = lg_heap_dump(rt, count_line, &nlines);
        lg__vm_fail_after(0, false);
        CHECK(err ? err == LG_ENOMEM && nlines == 0 : nlines > LONG);
        n_refused++;
    } while (err);
    CHECK_BETWEEN(n_refused, 6, 1000); // tables, and blocks of lines
    lg_handle_free(kept);
#else
    (void)rt;
    (void)count_line;
#endif
}

// ---------------------------------------------------------------------------
// While others go on
// ---------------------------------------------------------------------------

static _Atomic bool may_stop;

static void change(__attribute__((unused)) void *arg)
{
    struct pair *own = pair_new(1);
    for (int i = 0; !may_stop; i++) {
        struct pair *pair = pair_new(2);
        lg_store(&pair->left, own->left);
        lg_store(&own->left, i % 16 ? pair : NULL);
        lg_store(&own->table[3], pair);
        CHECK_OK(lg_yield());
    }
    n_done++;
}

it("the heap dump", "stops goroutines that change the heap, and lets them go on",
   .procs = 4, .limit_s = 60)
{
    open_types(rt);
    for (int i = 0; i < 4; i++) {
        spec_go(rt, change, NULL);
    }
    for (int i = 0; i < spec_rounds(30); i++) {
        struct text text = dump(rt);
        CHECK_HAS(text.bytes, "struct pair");
        free(text.bytes);
    }
    may_stop = true;
    SETTLE(n_done == 4);
}
