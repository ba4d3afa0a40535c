// SPDX-License-Identifier: MIT
//
// A host in C++: goroutines from lambdas, channels, types of the collector, and exceptions
// thrown on stacks of lagoon's, on other threads than the one where they began.
#include <lagoon.h>

#include <pthread.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>

namespace
{

int n_failed;

void check(bool ok, const char *what)
{
    if (!ok) {
        std::fprintf(stderr, "failed: %s\n", what);
        n_failed++;
    }
}

struct node {
    node *next;
    std::int64_t key;
    float weights[3];
};

const lg_field node_fields[] = {
    LG_FIELD(node, next, LG_FIELD_REF),
    LG_FIELD(node, key, LG_FIELD_INT),
    LG_FIELD_ARRAY(node, weights, LG_FIELD_FLOAT),
};
const lg_type_info node_info = LG_TYPE_INFO(node, node_fields);

// A function object as a goroutine; it is deleted there.
template <typename F> int go(lg_runtime *rt, lg_waitgroup *group, F fn)
{
    F *own = new F(fn);
    int err = lg_waitgroup_go(
        rt, group,
        [](void *arg) {
            F *mine = static_cast<F *>(arg);
            (*mine)();
            delete mine;
        },
        own, nullptr);
    if (err) {
        delete own;
    }
    return err;
}

struct counted {
    explicit counted(int *at) : live(at)
    {
        ++*live;
    }
    ~counted()
    {
        --*live;
    }
    counted(const counted &) = delete;
    counted &operator=(const counted &) = delete;
    int *live;
};

// To compilers pthread_self() is a constant of the function that asks.
__attribute__((noinline)) pthread_t thread_now()
{
    __asm__ volatile("");
    return pthread_self();
}

int n_moves; // of goroutines between threads, before they threw

void descend(int depth, int *live)
{
    counted here(live);
    if (depth > 0) {
        descend(depth - 1, live);
        return;
    }
    pthread_t before = thread_now();
    lg_sleep_until(lg_now(lg_current()) + 50000);
    if (!pthread_equal(before, thread_now())) {
        __atomic_add_fetch(&n_moves, 1, __ATOMIC_RELAXED);
    }
    throw std::runtime_error("deep");
}

void throw_often()
{
    int live = 0;
    for (int i = 0; i < 50; i++) {
        std::string said;
        try {
            descend(i % 20, &live);
        } catch (const std::exception &e) {
            said = e.what(); // and out of the handler before the next wait
        }
        check(said == "deep", "the exception is caught where it should be");
        check(live == 0, "destructors have run");
        lg_yield();
    }
}

void chunk(void *arg, std::size_t begin, std::size_t end)
{
    try {
        lg_yield();
        throw end - begin;
    } catch (std::size_t n) {
        __atomic_add_fetch(static_cast<std::size_t *>(arg), n, __ATOMIC_RELAXED);
    }
}

void exceptions(lg_runtime *rt)
{
    lg_waitgroup group = {{0}};
    do { // until one has thrown on another thread than it began on
        for (int i = 0; i < 20; i++) {
            check(go(rt, &group, throw_often) == LG_OK, "goroutines start");
        }
        check(lg_waitgroup_wait(&group, LG_NEVER) == LG_OK, "all have ended");
    } while (n_failed == 0 && n_moves == 0);
    std::size_t sum = 0;
    check(lg_parallel_for(rt, 1000, 7, chunk, &sum) == LG_OK, "the loop is done");
    check(sum == 1000, "each chunk has thrown");
}

void channels(lg_runtime *rt)
{
    lg_chan *ch;
    check(lg_chan_new(rt, nullptr, sizeof(int), 0, &ch) == LG_OK, "a channel");
    lg_waitgroup group = {{0}};
    for (int i = 1; i <= 10; i++) {
        go(rt, &group, [ch, i] { lg_chan_send(ch, &i, LG_NEVER); });
    }
    int sum = 0;
    for (int i = 0; i < 10; i++) {
        int value;
        lg_case cases[] = {{ch, &value, LG_RECV}, {nullptr, nullptr, LG_SEND}};
        std::size_t which;
        check(lg_select(cases, 2, LG_NEVER, &which) == LG_OK && which == 0, "select");
        sum += value;
    }
    check(sum == 55, "all came");
    lg_waitgroup_wait(&group, LG_NEVER);
    lg_chan_free(ch);
}

void objects(lg_runtime *rt)
{
    lg_type *type;
    check(lg_type_register(rt, &node_info, &type) == LG_OK, "a type");
    check(node_fields[2].count == 3 && node_fields[2].size == sizeof(float), "its array");
    check(std::strcmp(lg_type_describe(type)->name, "node") == 0, "its name");
    node *list = nullptr;
    for (int i = 0; i < 100; i++) {
        node *fresh = static_cast<node *>(lg_new(type));
        fresh->key = i;
        lg_store(&fresh->next, list);
        list = fresh;
    }
    check(lg_gc(rt) == LG_OK, "a collection");
    int n = 0;
    for (node *at = list; at != nullptr; at = at->next) {
        n++;
    }
    check(n == 100 && list->key == 99, "the list is whole");
    lg_keep_alive(list);
}

void first(void *arg)
{
    lg_runtime *rt = static_cast<lg_runtime *>(arg);
    exceptions(rt);
    channels(rt);
    objects(rt);
}

void let_one_out(void *)
{
    lg_yield();
    throw std::runtime_error("left a goroutine");
}

} // namespace

int main(int argc, char **argv)
{
    lg_options opts;
    lg_options_init(&opts);
    opts.procs = 3;
    opts.stack_size_bytes = 256 * 1024; // an unwinder needs some
    lg_runtime *rt;
    if (lg_open(&opts, &rt) != LG_OK) {
        return 2;
    }
    bool lets_out = argc > 1 && std::strcmp(argv[1], "uncaught") == 0;
    int err = lg_run(rt, lets_out ? let_one_out : first, rt);
    lg_close(rt);
    std::printf("%s\n", err == LG_OK && n_failed == 0 ? "fine" : "not fine");
    return n_failed;
}
