// SPDX-License-Identifier: MIT
//
// What does an object of `size` bytes cost that is collected, when a thousand of them are
// alive? Asked for objects without references, and with one that stays empty.
#include <heap.h>

enum { WINDOW = 1024 };

static heap_type *type;

static void body(int64_t ops, int64_t size)
{
    // on the stack, where the collector looks and no barrier is needed
    int64_t *window[WINDOW] = {NULL};
    size_t last = (size_t)size / sizeof(int64_t) - 1;
    for (int64_t i = 0; i < ops; i++) {
        int64_t *object = heap_new(type);
        meter_check(object, "out of memory");
        object[last] = i;
        window[i % WINDOW] = object;
    }
    meter_check(window[(ops - 1) % WINDOW][last] == ops - 1, "two objects overlap");
    meter_use(window);
}

static void bench(int64_t size)
{
    type = heap_type_new("plain", (size_t)size, 0);
    meter_run("new", meter_ops(5000000, WINDOW), WINDOW, body, size);
    type = heap_type_new("with_ref", (size_t)size, 1);
    meter_run("new.refs", meter_ops(5000000, WINDOW), WINDOW, body, size);
}

int main(int argc, char **argv)
{
    return heap_main(argc, argv, 64, bench);
}
