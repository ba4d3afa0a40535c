// SPDX-License-Identifier: MIT
//
// The toy interpreter: it enters and leaves as a real one would.
#include "script.h"

static void enter(struct interpreter *interpreter, struct script *script)
{
    CHECK_INT(atomic_fetch_add(&interpreter->inside, 1), 0);
    CHECK(lg_strand_data(lg_strand_self()) == interpreter);
    pthread_t self = pthread_self();
    interpreter->moves += interpreter->resumes && self != interpreter->thread;
    interpreter->thread = self;
    interpreter->now = script;
    interpreter->resumes++;
}

static void leave(struct interpreter *interpreter, struct script *script)
{
    CHECK(interpreter->now == script);
    interpreter->now = NULL;
    CHECK_INT(atomic_fetch_sub(&interpreter->inside, 1), 1);
}

static int resume(lg_strand *strand, lg_g *g, void *extra, bool has_wait)
{
    struct interpreter *interpreter = lg_strand_data(strand);
    struct script *script = extra;
    CHECK(lg_strand_self() == strand);
    CHECK(lg_extra_self() == extra);
    CHECK(lg_self().g == g);
    enter(interpreter, script);
    script->g = g;
    int result = has_wait ? lg_wait_finish(g) : LG_OK;
    result = script->step(script, result);
    leave(interpreter, script);
    return result;
}

static void returned(lg_strand *strand, lg_g *g, void *extra)
{
    struct interpreter *interpreter = lg_strand_data(strand);
    struct script *script = extra;
    CHECK(script->g == g);
    CHECK(lg_strand_self() == strand);
    enter(interpreter, script);
    interpreter->returns++;
}

const lg_strand_ops script_ops = {.resume = resume, .returned = returned};

void script_leave(struct script *script)
{
    leave(lg_strand_data(lg_strand_self()), script);
}

void script_return(struct script *script)
{
    struct interpreter *interpreter = lg_strand_data(lg_strand_self());
    if (interpreter->now == NULL) { // it was over at once: the stack never left
        enter(interpreter, script);
    }
    CHECK(interpreter->now == script);
    CHECK(lg_extra_self() == script);
}

int script_wait(struct script *script)
{
    script_leave(script);
    int result = lg_wait();
    CHECK(result != LG_WAIT);
    script_return(script);
    return result;
}

lg_strand *script_strand(lg_runtime *rt, struct interpreter *interpreter)
{
    lg_strand *strand = NULL;
    CHECK_OK(lg_strand_open(rt, &script_ops, interpreter, &strand));
    CHECK(lg_strand_data(strand) == interpreter);
    return strand;
}

lg_ref script_go(lg_strand *strand, script_step step, void *arg)
{
    lg_ref ref = {0};
    void *extra = NULL;
    CHECK_OK(lg_strand_go(strand, NULL, &ref, &extra));
    CHECK(ref.id);
    for (int i = 0; i < LG_EXTRA_SIZE; i++) {
        CHECK_INT(((unsigned char *)extra)[i], 0);
    }
    struct script *script = extra;
    script->step = step;
    script->arg = arg;
    return ref;
}
