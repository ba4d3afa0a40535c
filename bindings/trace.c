// SPDX-License-Identifier: MIT
#include "trace.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "state.h"

// A long traceback is cut in the middle, as luaL_traceback() does.
enum { FIRST_FRAMES = 12, LAST_FRAMES = 10, FORMAT_SIZE = 512 };

void lagoon__add_format(luaL_Buffer *b, const char *format, ...)
{
    char text[FORMAT_SIZE];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    luaL_addstring(b, text);
}

int lagoon__trace_levels(lua_State *co)
{
    lua_Debug ar;
    int low = 0;
    int high = 1;
    while (lua_getstack(co, high, &ar)) {
        low = high;
        high *= 2;
    }
    while (low < high) {
        int middle = low + (high - low) / 2;
        if (lua_getstack(co, middle, &ar)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return high;
}

bool lagoon__trace_is_hidden(lua_State *co, int level, const lua_Debug *ar)
{
    lua_Debug below;
    if (ar->what[0] != 'C') {
        return lagoon__is_ours(ar->source);
    }
    if (!lua_getstack(co, level + 1, &below)) {
        return false;
    }
    lua_getinfo(co, "S", &below);
    return lagoon__is_ours(below.source);
}

static void add_frame(luaL_Buffer *b, const lua_Debug *ar)
{
    lagoon__add_format(b, "\n\t%s:", ar->short_src);
    if (ar->currentline > 0) {
        lagoon__add_format(b, "%d:", ar->currentline);
    }
    if (ar->what[0] == 'm') {
        luaL_addstring(b, " in main chunk");
    } else if (*ar->namewhat) {
        lagoon__add_format(b, " in function '%s'", ar->name);
    } else if (ar->what[0] == 'C') {
        luaL_addstring(b, " in a C function");
    } else {
        lagoon__add_format(b, " in function <%s:%d>", ar->short_src, ar->linedefined);
    }
}

// The line that a message gives for a source, or -1. The interpreter forgets
// the line of the frame that died of an error of its own.
static int line_in(const char *message, const char *short_src)
{
    size_t length = strlen(short_src);
    if (message == NULL || strncmp(message, short_src, length) != 0 ||
        message[length] != ':') {
        return -1;
    }
    char *end;
    long line = strtol(message + length + 1, &end, 10);
    return *end == ':' && line > 0 && line < INT_MAX ? (int)line : -1;
}

// The line is where co has died, or 0.
static int add_frames(luaL_Buffer *b, lua_State *co, int level, const char *message,
                      int line)
{
    int nlevels = lagoon__trace_levels(co);
    int nshown = 0;
    for (; level < nlevels; level++) {
        lua_Debug ar;
        if (!lua_getstack(co, level, &ar)) {
            break;
        }
        lua_getinfo(co, "Snl", &ar);
        if (lagoon__trace_is_hidden(co, level, &ar)) {
            continue;
        }
        if (nshown++ == FIRST_FRAMES && nlevels - level > LAST_FRAMES) {
            luaL_addstring(b, "\n\t...");
            level = nlevels - LAST_FRAMES - 1;
            continue;
        }
        if (level == 0 && ar.what[0] != 'C' && ar.currentline < 0) {
            ar.currentline = line ? line : line_in(message, ar.short_src);
        }
        add_frame(b, &ar);
    }
    return nshown;
}

int lagoon__trace_frames(luaL_Buffer *b, lua_State *co, int level, const char *message)
{
    return add_frames(b, co, level, message, 0);
}

// Where a goroutine that died of its cancellation was computing, unless that was
// elsewhere: it may have caught that.
static int told_line(struct script_g *sg)
{
    lua_Debug ar;
    if (sg->told_line == 0 || !lua_getstack(sg->co, 0, &ar)) {
        return 0;
    }
    lua_getinfo(sg->co, "S", &ar);
    bool is_here = ar.linedefined <= sg->told_line && sg->told_line <= ar.lastlinedefined;
    return is_here || ar.what[0] == 'm' ? sg->told_line : 0;
}

int lagoon__trace_goroutine(luaL_Buffer *b, struct script_g *sg, const char *message)
{
    int nshown = 0;
    if (sg->donor && sg->donor != sg->co) {
        nshown = lagoon__trace_frames(b, sg->donor, 0, NULL);
    }
    return nshown + add_frames(b, sg->co, 0, message, told_line(sg));
}

void lagoon__birth_text(const struct birthplace *birth, char *out, size_t size)
{
    enum { CHUNK_SHOWN = 40 };
    const char *source = birth->source;
    char line[16];
    size_t nline = (size_t)snprintf(line, sizeof line, ":%d", birth->line);
    if (*source == '@' || *source == '=') {
        size_t length = strlen(++source);
        bool is_cut = length + nline >= size;
        source += is_cut ? length + nline + sizeof "..." - size : 0;
        snprintf(out, size, "%s%s%s", is_cut ? "..." : "", source, line);
    } else {
        size_t length = strcspn(source, "\n");
        bool is_cut = length >= CHUNK_SHOWN || source[length] != '\0';
        snprintf(out, size, "[string \"%.*s%s\"]%s",
                 (int)(length < CHUNK_SHOWN ? length : CHUNK_SHOWN), source,
                 is_cut ? "..." : "", line);
    }
}

void lagoon__trace_birth(luaL_Buffer *b, const struct birthplace *birth)
{
    char place[512];
    if (birth->source != NULL) {
        lagoon__birth_text(birth, place, sizeof place);
        luaL_addstring(b, place);
    }
}
