// SPDX-License-Identifier: MIT
//
// How long does the binary-trees program of the benchmarks game take at depth `size`? The
// trees of a depth are shared out among four workers.
#include <heap.h>

enum { DEPTH_MIN = 4, PARTS = 4, TASKS_MAX = 16 * PARTS };

struct node {
    struct node *left;
    struct node *right;
};

static heap_type *node_type;

static struct node *grow(int64_t depth)
{
    struct node *left = depth > 0 ? grow(depth - 1) : NULL;
    struct node *right = depth > 0 ? grow(depth - 1) : NULL;
    struct node *node = heap_new(node_type);
    meter_check(node, "out of memory");
    heap_store(&node->left, left);
    heap_store(&node->right, right);
    return node;
}

static int64_t count(const struct node *node)
{
    return node->left ? 1 + count(node->left) + count(node->right) : 1;
}

struct task {
    int64_t depth;
    int64_t times;
};

static void task_run(void *arg)
{
    struct task *task = arg;
    for (int64_t i = 0; i < task->times; i++) {
        meter_check(count(grow(task->depth)) == (INT64_C(2) << task->depth) - 1,
                    "a tree is wrong");
    }
}

static void body(int64_t ops, int64_t size)
{
    (void)ops;
    struct task tasks[TASKS_MAX];
    size_t ntasks = 0;
    task_run(&(struct task){size + 1, 1});
    struct node *lasting = grow(size);
    for (int64_t depth = DEPTH_MIN; depth <= size; depth += 2) {
        int64_t times = (INT64_C(1) << (size - depth + DEPTH_MIN)) / PARTS;
        for (int part = 0; part < PARTS; part++) {
            tasks[ntasks++] = (struct task){depth, times};
        }
    }
    heap_together(ntasks, task_run, tasks, sizeof tasks[0]);
    meter_check(count(lasting) == (INT64_C(2) << size) - 1, "the lasting tree is wrong");
}

static void bench(int64_t size)
{
    node_type = heap_type_new("node", sizeof(struct node), 2);
    meter_run("trees", 1, 1, body, meter_tree_depth(size));
    meter_tell_peak("trees.peak");
}

int main(int argc, char **argv)
{
    return heap_main(argc, argv, 16, bench);
}
