// SPDX-License-Identifier: MIT
//
// An engine's frame loop with a graph of jobs. Each frame, on all cores:
//
//   input ---> animate (4 jobs) ---> collide --+
//        \                                     +--> draw, on this thread
//         `--> move the particles (a loop) ----+
//
//   examples/embed/start jobs [FRAMES]
#include <lagoon.h>
#include <stdio.h>
#include <stdlib.h>

enum { PARTICLES = 50000, SKELETONS = 4, BONES = 2000 };

struct game {
    lg_runtime *rt;
    float x[PARTICLES], v[PARTICLES];
    float bones[SKELETONS][BONES];
    lg_waitgroup animated; // a counter; zero bytes are a fresh one
    lg_waitgroup moved;
    int next_skeleton;
    int hits;
    int frames_drawn;
    int frames_wanted;
    bool is_over;
};

static void move(void *arg, size_t begin, size_t end)
{
    struct game *game = arg;
    for (size_t i = begin; i < end; i++) {
        game->x[i] += game->v[i] / 60;
        if (game->x[i] < 0 || game->x[i] > 1) {
            game->v[i] = -game->v[i];
        }
    }
}

static void move_all(void *arg)
{
    struct game *game = arg;
    lg_parallel_for(game->rt, PARTICLES, 2048, move, game);
}

static void animate(void *arg)
{
    struct game *game = arg;
    int mine = __atomic_fetch_add(&game->next_skeleton, 1, __ATOMIC_RELAXED);
    float *bones = game->bones[mine % SKELETONS];
    for (int i = 1; i < BONES; i++) {
        bones[i] = bones[i - 1] * 0.5F + 1;
    }
}

// What only the thread with the window may do.
static void draw(void *arg)
{
    struct game *game = arg;
    game->frames_drawn++;
}

// The graph is ordinary code: who needs something waits for it, and other jobs run meanwhile.
static void frame(struct game *game)
{
    lg_waitgroup_go(game->rt, &game->moved, move_all, game, NULL);
    for (int i = 0; i < SKELETONS; i++) {
        lg_waitgroup_go(game->rt, &game->animated, animate, game, NULL);
    }
    lg_waitgroup_wait(&game->animated, LG_NEVER);
    for (int i = 0; i < SKELETONS; i++) {
        game->hits += game->bones[i][BONES - 1] > 1.5F;
    }
    lg_waitgroup_wait(&game->moved, LG_NEVER);
    lg_call_on_host(draw, game);
}

static void play(void *arg)
{
    struct game *game = arg;
    while (game->frames_drawn < game->frames_wanted) {
        frame(game);
    }
}

// Bound to this thread for its life: it need not ask.
static void watch(void *arg)
{
    struct game *game = arg;
    lg_waitgroup playing = {{0}};
    if (lg_waitgroup_go(game->rt, &playing, play, game, NULL) == LG_OK) {
        lg_waitgroup_wait(&playing, LG_NEVER);
    }
    game->is_over = true;
}

int main(int argc, char **argv)
{
    static struct game game; // too large for a stack
    game.frames_wanted = argc > 1 ? atoi(argv[1]) : 120;
    for (int i = 0; i < PARTICLES; i++) {
        game.v[i] = (float)(i % 100) / 100;
    }
    if (lg_open(NULL, &game.rt)) {
        return 1;
    }
    lg_go_options pinned = {.name = "watch", .pinned = true};
    if (lg_go(game.rt, watch, &game, &pinned, NULL)) {
        return 1;
    }
    while (!game.is_over) {
        // Here the engine would look at its window; then 4 ms at most are lagoon's.
        if (lg_update(game.rt, 4000000, NULL)) {
            return 1;
        }
    }
    lg_close(game.rt);
    printf("%d frames, %d hits\n", game.frames_drawn, game.hits);
    return 0;
}
