// SPDX-License-Identifier: MIT
//
// A small engine: SDL draws, LuaJIT has the rules, lagoon runs their goroutines within a
// budget of each frame.
//
//   cc main.c $(pkg-config --cflags --libs lagoon-lua luajit sdl2) && ./a.out game.lua
#include <SDL.h>
#include <lauxlib.h>
#include <lualib.h>
#include <stdbool.h>
#include <stdio.h>

// From liblagoon.a: makes `require "lagoon"` work in a state.
int lagoon_openlib(lua_State *L);

enum { WIDTH = 640, HEIGHT = 400, FRAME_MS = 16 };

#define BUDGET_S 0.004

struct engine {
    SDL_Window *window;
    SDL_Renderer *renderer;
    lua_State *L;
    unsigned long nframes;
    unsigned long ndrawn;
};

// draw(x, y, size, r, g, b)
static int draw(lua_State *L)
{
    struct engine *engine = lua_touserdata(L, lua_upvalueindex(1));
    SDL_FRect square = {
        .x = (float)luaL_checknumber(L, 1),
        .y = (float)luaL_checknumber(L, 2),
        .w = (float)luaL_checknumber(L, 3),
        .h = (float)luaL_checknumber(L, 3),
    };
    SDL_SetRenderDrawColor(engine->renderer, (Uint8)luaL_checkint(L, 4),
                           (Uint8)luaL_checkint(L, 5), (Uint8)luaL_checkint(L, 6), 255);
    SDL_RenderFillRectF(engine->renderer, &square);
    engine->ndrawn++;
    return 0;
}

static bool open_window(struct engine *engine)
{
    if (SDL_Init(SDL_INIT_VIDEO)) {
        return false;
    }
    engine->window = SDL_CreateWindow("Fireworks", SDL_WINDOWPOS_UNDEFINED,
                                      SDL_WINDOWPOS_UNDEFINED, WIDTH, HEIGHT, 0);
    if (!engine->window) {
        return false;
    }
    engine->renderer = SDL_CreateRenderer(engine->window, -1, 0);
    return engine->renderer != NULL;
}

static void close_window(struct engine *engine)
{
    SDL_DestroyRenderer(engine->renderer);
    SDL_DestroyWindow(engine->window);
    SDL_Quit();
}

// Leaves lagoon.update and the game's frame function on the stack.
static bool load_game(struct engine *engine, const char *path)
{
    lua_State *L = engine->L;
    luaL_openlibs(L);
    lagoon_openlib(L);
    lua_pushlightuserdata(L, engine);
    lua_pushcclosure(L, draw, 1);
    lua_setglobal(L, "draw");
    return !luaL_dostring(L, "return require('lagoon').update") && !luaL_dofile(L, path);
}

static bool is_closed(void)
{
    SDL_Event event;
    while (SDL_PollEvent(&event)) {
        if (event.type == SDL_QUIT) {
            return true;
        }
    }
    return false;
}

// One frame: goroutines for as long as the budget is, then the picture. False: the game
// is over, or has failed and left a message.
static bool run_frame(struct engine *engine, bool *is_over)
{
    lua_State *L = engine->L;
    lua_pushvalue(L, 1);
    lua_pushnumber(L, BUDGET_S);
    if (lua_pcall(L, 1, 0, 0)) {
        return false;
    }
    SDL_SetRenderDrawColor(engine->renderer, 10, 12, 30, 255);
    SDL_RenderClear(engine->renderer);
    lua_pushvalue(L, 2);
    if (lua_pcall(L, 0, 1, 0)) {
        return false;
    }
    *is_over = !lua_toboolean(L, -1);
    lua_pop(L, 1);
    SDL_RenderPresent(engine->renderer);
    engine->nframes++;
    return true;
}

static bool play(struct engine *engine)
{
    bool is_over = false;
    while (!is_over && !is_closed()) {
        Uint32 began_ms = SDL_GetTicks();
        if (!run_frame(engine, &is_over)) {
            return false;
        }
        Uint32 spent_ms = SDL_GetTicks() - began_ms;
        SDL_Delay(spent_ms < FRAME_MS ? FRAME_MS - spent_ms : 0);
    }
    printf("%lu frames, %lu squares\n", engine->nframes, engine->ndrawn);
    return true;
}

int main(int argc, char **argv)
{
    struct engine engine = {0};
    if (argc != 2) {
        fprintf(stderr, "usage: %s GAME.lua\n", argv[0]);
        return 1;
    }
    if (!open_window(&engine)) {
        fprintf(stderr, "fireworks: %s\n", SDL_GetError());
        close_window(&engine);
        return 1;
    }
    engine.L = luaL_newstate();
    bool is_ok = load_game(&engine, argv[1]) && play(&engine);
    if (!is_ok) {
        fprintf(stderr, "fireworks: %s\n", lua_tostring(engine.L, -1));
    }
    lua_close(engine.L);
    close_window(&engine);
    return is_ok ? 0 : 1;
}
