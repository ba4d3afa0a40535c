// SPDX-License-Identifier: MIT
#include "luastack.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "remote.h"
#include "samples.h"
#include "state.h"
#include "trace.h"
#include "worker.h"

enum { TITLE_SIZE = 128, PLACE_SIZE = 96 };

// The file of a script, or what stands for it: a text is named by its first line.
static const char *file_of(const lua_Debug *ar)
{
    return ar->source[0] == '@' ? ar->source + 1 : ar->short_src;
}

static bool add_frame(struct stack_draft *draft, const lua_Debug *ar)
{
    const char *name = ar->name ? ar->name : "";
    if (ar->what[0] == 'C') {
        char title[TITLE_SIZE];
        snprintf(title, sizeof title, "%s [C]", *name ? name : "function");
        return lagoon__draft_add(draft, title, "", 0, 0);
    }
    bool is_main = ar->what[0] == 'm';
    return lagoon__draft_add(draft, is_main ? "main chunk" : name, file_of(ar),
                             is_main ? 0 : ar->linedefined, ar->currentline);
}

static void add_frames(struct stack_draft *draft, lua_State *co)
{
    lua_Debug ar;
    for (int level = 0; lua_getstack(co, level, &ar); level++) {
        lua_getinfo(co, "Snl", &ar);
        if (!lagoon__trace_is_hidden(co, level, &ar) && !add_frame(draft, &ar)) {
            return;
        }
    }
}

// One that has not begun, or has ended, stands nowhere.
static void add_birth(struct stack_draft *draft, const struct birthplace *birth)
{
    char title[TITLE_SIZE] = "goroutine";
    if (birth->source != NULL) {
        char place[PLACE_SIZE];
        lagoon__birth_text(birth, place, sizeof place);
        const char *slash = *birth->source == '@' ? strrchr(place, '/') : NULL;
        snprintf(title, sizeof title, "goroutine created at %s",
                 slash ? slash + 1 : place);
    }
    lagoon__draft_add(draft, title, "", 0, 0);
}

// A task may have been named by another state, or before it began.
static void add_name(struct stack_draft *draft, const lg_profile_sample *sample)
{
    char copy[NAME_SIZE];
    struct script_g *sg = sample->extra;
    const char *name = NULL;
    if (sg != NULL && sg->task != NULL && !sample->has_ended) {
        name = lagoon__task_name(sg->task, copy);
    }
    name = name ? name : sample->name;
    if (*name != '\0') {
        lagoon__draft_name(draft, name);
    }
}

static void draft_scripted(struct stack_draft *draft, const lg_profile_sample *sample)
{
    struct script_g *sg = sample->extra;
    struct script *s = sg->script;
    char state[TITLE_SIZE] = "main";
    if (s->worker != NULL) {
        snprintf(state, sizeof state, "worker %u", s->worker->number);
    }
    draft->labels.state = lagoon__draft_string(draft, state);
    lua_State *top = s->armed.sampled ? s->armed.sampled : sg->donor;
    if (!sample->has_ended) {
        if (top != NULL && top != sg->co) {
            add_frames(draft, top);
        }
        add_frames(draft, sg->co);
    }
    if (draft->labels.nplaces == 0) {
        add_birth(draft, &sg->birth);
    }
}

static void draft_native(struct stack_draft *draft, const lg_profile_sample *sample)
{
    char title[TITLE_SIZE] = "scheduler [native]";
    if (sample->g != 0) {
        snprintf(title, sizeof title, "%s [native]",
                 *sample->name ? sample->name : "goroutine");
    }
    lagoon__draft_add(draft, title, "", 0, 0);
}

void lagoon__luastack_draft(struct stack_draft *draft, const lg_profile_sample *sample)
{
    draft->labels.goroutine = sample->g;
    add_name(draft, sample);
    if (sample->kind != LG_PROFILE_RAN) {
        const char *reason = sample->wait_reason ? sample->wait_reason : "yield";
        draft->labels.wait = lagoon__draft_string(
            draft, sample->kind == LG_PROFILE_QUEUED ? "runnable" : reason);
    }
    if (sample->strand != NULL) {
        draft_scripted(draft, sample);
    } else {
        draft_native(draft, sample);
    }
}
