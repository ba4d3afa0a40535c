// SPDX-License-Identifier: MIT
#include "dumpall.h"

#include <lua.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dump.h"
#include "fail.h"
#include "hub.h"
#include "restless.h"
#include "state.h"
#include "timed.h"
#include "worker.h"

enum {
    SHOWN_MAX = 1000,
    ROUNDS_MAX = 500,
    QUIET_ROUNDS = 20,
};

enum answer {
    UNASKED, // nobody can be: a native one, or of a state that nobody lists
    ASKED,   // its state has not come to it
    ANSWERED,
};

struct told {
    lg_g_info info;
    bool is_system;
    // -- the survey's lock --
    enum answer answer;
    char *text; // malloc()ed; NULL: it has ended, or there was no memory
};

// One dump. Its questions may outlive who has asked: they stand in the posts of states that do
// not come to them.
struct survey {
    lg_runtime *rt;
    pthread_mutex_t lock;
    // -- lock --
    pthread_cond_t changed;
    size_t nusers;   // who asked, and questions that are under way
    size_t npending; // of those, the questions
    size_t nbusy;    // that are being answered
    bool is_over;    // nobody listens any more
    // -- fixed while questions are under way --
    size_t n;
    size_t cap;
    struct told told[];
};

struct question {
    lg_post post;
    struct survey *survey;
    struct script *script;
    struct worker *worker; // pinned; NULL: it is the root
};

// -- the survey --

static bool add_told(void *ud, const lg_g_info *info)
{
    struct survey *survey = ud;
    survey->told[survey->n++] = (struct told){.info = *info};
    return survey->n < survey->cap;
}

static bool add_system(void *ud, const lg_g_info *info)
{
    struct survey *survey = ud;
    survey->told[survey->n++] = (struct told){.info = *info, .is_system = true};
    return survey->n < survey->cap;
}

static int compare(const void *a, const void *b)
{
    const struct told *x = a;
    const struct told *y = b;
    return (x->info.ref.id > y->info.ref.id) - (x->info.ref.id < y->info.ref.id);
}

static struct survey *new_survey(lg_runtime *rt)
{
    enum { MORE = 256 }; // the runtime's own, and those that are started meanwhile
    size_t cap = lg_num_goroutine(rt) + MORE;
    struct survey *survey = calloc(1, sizeof *survey + cap * sizeof survey->told[0]);
    if (survey == NULL) {
        return NULL;
    }
    survey->rt = rt;
    survey->nusers = 1;
    survey->cap = cap - MORE / 2;
    pthread_mutex_init(&survey->lock, NULL);
    pthread_cond_init(&survey->changed, NULL);
    lg_goroutines(rt, add_told, survey);
    survey->cap = cap;
    lg_system_goroutines(rt, add_system, survey);
    qsort(survey->told, survey->n, sizeof survey->told[0], compare);
    return survey;
}

static void leave(struct survey *survey)
{
    pthread_mutex_lock(&survey->lock);
    bool is_last = --survey->nusers == 0;
    pthread_mutex_unlock(&survey->lock);
    if (!is_last) {
        return;
    }
    for (size_t i = 0; i < survey->n; i++) {
        free(survey->told[i].text);
    }
    pthread_cond_destroy(&survey->changed);
    pthread_mutex_destroy(&survey->lock);
    free(survey);
}

static size_t shown(const struct survey *survey)
{
    return survey->n < SHOWN_MAX ? survey->n : SHOWN_MAX;
}

// -- questions, inside the strands --

struct telling {
    struct script *s;
    lg_g_info info;
    char *text;
};

static int tell(lua_State *L)
{
    struct telling *telling = lua_touserdata(L, 1);
    lagoon__push_goroutine(L, telling->s, &telling->info);
    telling->text = strdup(lua_tostring(L, -1));
    return 0;
}

static void answer_for(struct script *s, struct survey *survey, struct told *told)
{
    struct telling telling = {.s = s};
    if (lg_get_info(told->info.ref, &telling.info) == LG_OK &&
        lua_cpcall(s->aux, tell, &telling) != 0) {
        lua_pop(s->aux, 1);
    }
    pthread_mutex_lock(&survey->lock);
    told->answer = ANSWERED;
    told->text = telling.text;
    pthread_mutex_unlock(&survey->lock);
}

static void on_question(lg_post *post)
{
    struct question *question = (struct question *)post;
    struct survey *survey = question->survey;
    struct script *s = question->script;
    pthread_mutex_lock(&survey->lock);
    bool is_over = survey->is_over;
    survey->nbusy++;
    pthread_mutex_unlock(&survey->lock);
    for (size_t i = 0; !is_over && !s->is_over && i < shown(survey); i++) {
        struct told *told = &survey->told[i];
        if (told->info.strand == s->strand) {
            answer_for(s, survey, told);
        }
    }
    if (question->worker != NULL) {
        lagoon__worker_unpin(question->worker);
    }
    pthread_mutex_lock(&survey->lock);
    survey->nbusy--;
    survey->npending--;
    pthread_cond_signal(&survey->changed);
    pthread_mutex_unlock(&survey->lock);
    leave(survey);
    free(question);
}

// -- asking --

static void mark_asked_locked(struct survey *survey, const lg_strand *strand)
{
    for (size_t i = 0; i < survey->n; i++) {
        if (survey->told[i].info.strand == strand) {
            survey->told[i].answer = ASKED;
        }
    }
}

static void ask(struct survey *survey, struct script *s, lg_strand *strand,
                struct worker *worker)
{
    struct question *question = calloc(1, sizeof *question);
    if (question == NULL) {
        if (worker != NULL) {
            lagoon__worker_unpin(worker);
        }
        return;
    }
    question->post.fn = on_question;
    question->survey = survey;
    question->script = s;
    question->worker = worker;
    pthread_mutex_lock(&survey->lock);
    survey->nusers++;
    survey->npending++;
    mark_asked_locked(survey, strand);
    pthread_mutex_unlock(&survey->lock);
    lg_strand_post(strand, &question->post);
}

// The first state gets it with its first task.
static struct hub *hub_from_outside(struct script *root)
{
    // acquire: pairs with the release in lagoon__hub_of()
    return __atomic_load_n(&root->hub, __ATOMIC_ACQUIRE);
}

// Pinned under the lock, asked outside of it. New ones come in front.
static void ask_workers(struct survey *survey, struct hub *hub)
{
    enum { AT_ONCE = 64 };
    struct worker *pinned[AT_ONCE];
    struct worker *next = NULL;
    bool is_first = true;
    do {
        size_t n = 0;
        pthread_mutex_lock(&hub->lock);
        struct worker *worker = is_first ? hub->workers : next;
        for (; worker != NULL && n < AT_ONCE; worker = worker->next) {
            worker->npins++;
            pinned[n++] = worker;
        }
        next = worker;
        if (next != NULL) {
            next->npins++; // so that it is still there
        }
        pthread_mutex_unlock(&hub->lock);
        if (!is_first && n > 0) {
            lagoon__worker_unpin(pinned[0]); // that one
        }
        is_first = false;
        for (size_t i = 0; i < n; i++) {
            ask(survey, pinned[i]->script, pinned[i]->strand, pinned[i]);
        }
    } while (next != NULL);
}

bool lagoon__patience_lasts(struct patience *patience)
{
    patience->nquiet = lagoon__is_restless() ? 0 : patience->nquiet + 1;
    return ++patience->nrounds < ROUNDS_MAX && patience->nquiet < QUIET_ROUNDS;
}

static void await_round_locked(struct survey *survey)
{
    const struct timespec end = lagoon__timed_end(PATIENCE_ROUND_MS * INT64_C(1000000));
    lagoon__timed_cond(&survey->changed, &survey->lock, &end);
}

// One that has begun to answer is waited for in any case.
static void await_answers(struct survey *survey, const _Atomic bool *must_hurry)
{
    struct patience patience = {0};
    bool goes_on = true;
    pthread_mutex_lock(&survey->lock);
    while (survey->npending > 0 && (survey->nbusy > 0 || goes_on)) {
        await_round_locked(survey);
        // relaxed: seen a round later it does as well
        goes_on = lagoon__patience_lasts(&patience) &&
                  !atomic_load_explicit(must_hurry, memory_order_relaxed);
    }
    survey->is_over = true;
    pthread_mutex_unlock(&survey->lock);
}

// -- the text --

static const char *why_silent(const struct told *told, const lg_g_info *info)
{
    if (told->answer == ANSWERED) {
        return "no memory to tell where it is";
    }
    if (told->info.strand == NULL) {
        return told->is_system ? "native, of the runtime" : "native";
    }
    if (info->status == LG_RUNNING) {
        return "in C code that does not come back to Lua: where it is cannot be told";
    }
    return told->answer == ASKED
               ? "its Lua state is in C code: where it is cannot be told"
               : "in a Lua state of its own";
}

static void write_silent(FILE *out, struct survey *survey, const struct told *told)
{
    char head[DUMP_HEAD_SIZE];
    lg_g_info info;
    if (lg_get_info(told->info.ref, &info) != LG_OK) {
        return;
    }
    lagoon__dump_head(survey->rt, &info, *info.name ? info.name : NULL, false, head);
    fprintf(out, "%s\n\t%s\n", head, why_silent(told, &info));
    if (info.parent != 0) {
        fprintf(out, "created by goroutine %llu\n", (unsigned long long)info.parent);
    }
    fputc('\n', out);
}

static char *write_text(struct survey *survey)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < shown(survey); i++) {
        const struct told *told = &survey->told[i];
        if (told->text != NULL) {
            fprintf(out, "%s\n\n", told->text);
        } else {
            write_silent(out, survey, told);
        }
    }
    if (shown(survey) < survey->n) {
        fprintf(out, "... and %zu more goroutines\n\n", survey->n - shown(survey));
    }
    bool is_whole = ferror(out) == 0;
    is_whole = fclose(out) == 0 && is_whole;
    if (!is_whole) {
        free(text);
        text = NULL;
    }
    return text;
}

char *lagoon__dump_all(struct script *root, const _Atomic bool *must_hurry)
{
    struct survey *survey = new_survey(root->rt);
    if (survey == NULL) {
        return NULL;
    }
    struct hub *hub = hub_from_outside(root);
    ask(survey, root, root->strand, NULL);
    if (hub != NULL) {
        ask_workers(survey, hub);
    }
    await_answers(survey, must_hurry);
    char *text = write_text(survey);
    leave(survey);
    return text;
}
