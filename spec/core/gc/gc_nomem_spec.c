// SPDX-License-Identifier: MIT
//
// The collector when memory runs out: at every single request of a workload, of the
// host's hook and (in the check build) of pages. What fails says so, nothing is lost
// or left, and everything works again when there is memory.
#include "nodes.h"
#include "os/vm.h"

enum { NODES = 300, STEPS_MAX = 10000 };

static struct spec_memory memory;
static lg_runtime *small;
static int nrefused;
static int nfinalized;

// Whether a call was refused for want of memory.
static bool is_refused(const void *ptr)
{
    nrefused += !ptr;
    return !ptr;
}

static bool is_error(int err)
{
    CHECK(err == LG_OK || err == LG_ENOMEM);
    nrefused += err != LG_OK;
    return err != LG_OK;
}

static void finalize(__attribute__((unused)) void *obj, __attribute__((unused)) void *ud)
{
    nfinalized++;
}

static void make_list(lg_type *type)
{
    struct node_obj *list = NULL;
    size_t made = 0;
    for (size_t i = 0; i < NODES; i++) {
        struct node_obj *node = lg_new(type);
        if (!is_refused(node)) {
            node->number = i;
            node->seal = i ^ NODE_SEAL;
            lg_store(&node->refs[0], list);
            list = node;
            made++;
        }
    }
    is_error(lg_gc(small));
    for (struct node_obj *at = list; at; at = at->refs[0]) {
        node_check(at);
        made--;
    }
    CHECK_INT(made, 0);
}

static void use_edges(lg_type *type)
{
    struct node_obj *node = lg_new(type);
    lg_handle *handle = NULL;
    lg_weak *weak = NULL;
    static void *root;
    if (is_refused(node)) {
        return;
    }
    if (!is_error(lg_handle_new(small, node, &handle))) {
        CHECK(lg_handle_get(handle) == node);
    }
    if (!is_error(lg_weak_new(small, node, &weak))) {
        CHECK(lg_weak_get(weak) == node);
    }
    is_error(lg_set_finalizer(small, node, finalize, NULL));
    if (!is_error(lg_root_add(small, "root", &root, 1))) {
        lg_store(&root, node);
        is_error(lg_gc(small));
        lg_store(&root, NULL);
        CHECK_OK(lg_root_remove(small, &root));
    }
    lg_handle_free(handle);
    lg_weak_free(weak);
}

static void use(__attribute__((unused)) void *arg)
{
    static const lg_type_info *infos[] = {&node_info};
    lg_type *type;
    if (is_error(lg_type_register(small, infos[0], &type))) {
        return;
    }
    make_list(type);
    for (size_t size = 1; size < 400000; size = size * 4 + 3) {
        is_refused(lg_new_bytes(small, size));
        is_refused(lg_new_array(type, size / 16));
    }
    use_edges(type);
}

static int open_small(void)
{
    lg_options options;
    lg_options_init(&options);
    options.procs = 1;
    options.alloc = spec_realloc;
    options.alloc_ud = &memory;
    return lg_open(&options, &small);
}

static void close_small(void)
{
    lg_close(small);
    CHECK_INT(atomic_load(&memory.blocks), 0);
    CHECK_INT(atomic_load(&memory.bytes), 0);
}

static bool has_failed(bool for_good)
{
    return atomic_load(&memory.fail_at) <= (for_good ? 1 : 0);
}

it("collected memory when the hook fails at the n-th request", "is refused, and goes on",
   .limit_s = 170)
{
    int step = spec_has_tsan() ? 5 : 1;
    for (int for_good = 0; for_good < 2; for_good++) {
        for (int n = 1; n < STEPS_MAX; n += step) {
            CHECK_OK(open_small());
            atomic_store(&memory.is_fail_after, for_good);
            atomic_store(&memory.fail_at, n);
            int err = lg_run(small, use, NULL);
            CHECK(err == LG_OK || err == LG_ENOMEM);
            nrefused += err == LG_ENOMEM;
            bool is_last = !has_failed(for_good);
            atomic_store(&memory.fail_at, 0);
            atomic_store(&memory.is_fail_after, false);
            spec_main(small, use, NULL);
            close_small();
            if (is_last) {
                break;
            }
        }
    }
    CHECK(nrefused > 0);
    CHECK(nfinalized > 0);
}

it("collected memory when the n-th request for pages fails", "is refused, and goes on",
   .limit_s = 170)
{
#ifdef LG_CHECK
    int before = -1;
    for (int for_good = 0; for_good < 2; for_good++) {
        for (int n = 1; n < STEPS_MAX && nrefused != before; n++) {
            CHECK_OK(open_small());
            before = nrefused;
            lg__vm_fail_after(n, for_good);
            int err = lg_run(small, use, NULL);
            CHECK(err == LG_OK || err == LG_ENOMEM);
            nrefused += err == LG_ENOMEM;
            lg__vm_fail_after(0, false);
            spec_main(small, use, NULL);
            close_small();
        }
    }
    CHECK(nrefused > 0);
#endif
}
