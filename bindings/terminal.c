// SPDX-License-Identifier: MIT
#include "terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <pthread.h>
#include <pty.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "column.h"
#include "fail.h"
#include "net.h"
#include "record.h"
#include "sampler.h"
#include "state.h"
#include "statefile.h"
#include "writeall.h"

enum {
    PIECE_BYTES = 16 * 1024,
    FIRST_PRIVATE = 10,
    LAST_WORDS_S = 2, // for what was written when the process ends
    FOR_EVER_S = 1 << 30,
};

// Tells who writes it that all before it has been passed on. No terminal knows the command.
static const char MARK[] = "\33]777;lagoon\7";
enum { MARK_BYTES = sizeof MARK - 1 };

// Whether the terminal says what is pasted and what typed.
static const char PASTES_ON[] = "\33[?2004h";
static const char PASTES_OFF[] = "\33[?2004l";

// A text that stays.
struct kept_text {
    char *bytes;
    size_t size;
};

static struct {
    // -- set when it is opened --
    int tty;    // the user's
    int master; // ours
    int slave;  // what 0, 1 and 2 are
    struct termios before;
    struct termios editing; // every key comes to us
    struct termios running; // but those that send signals

    pthread_mutex_t lock;
    // -- lock --
    bool is_open;
    bool is_drawn;           // the block stands below what is written
    struct kept_text block;  // draws it
    struct kept_text wipe;   // takes it away again, wherever in it the cursor is
    struct column column;    // of what is written
    uint64_t nmarks;         // that were passed
    pthread_cond_t has_mark; // nmarks has grown
} terminal = {
    .tty = -1, .lock = PTHREAD_MUTEX_INITIALIZER, .has_mark = PTHREAD_COND_INITIALIZER};

// If the terminal is gone nobody sees what is lost.
static void write_all(int fd, const char *text, size_t size)
{
    (void)lagoon__write_all(fd, text, size);
}

static void show(const char *text, size_t size)
{
    write_all(terminal.tty, text, size);
    lagoon__record_output(text, size);
}

static void say(const char *text)
{
    show(text, strlen(text));
}

// -- what is written, to the user --

// Back to where the last text ended.
static void continue_line(void)
{
    char move[64];
    if (terminal.column.at > 0) {
        snprintf(move, sizeof move, "\33[1A\33[%dC", terminal.column.at);
        say(move);
    }
}

// To the beginning of a line. A text that has filled its last one goes on there.
static void end_line(void)
{
    if (terminal.column.at > 0) {
        say("\r\n");
    }
    if (terminal.column.at >= terminal.column.columns) {
        terminal.column.at = 0;
    }
}

static void show_locked(const char *text, size_t size)
{
    if (size == 0) {
        return;
    }
    if (terminal.is_drawn) {
        show(terminal.wipe.bytes, terminal.wipe.size);
        continue_line();
    }
    show(text, size);
    lagoon__column_pass(&terminal.column, text, size);
    if (terminal.is_drawn) {
        end_line();
        show(terminal.block.bytes, terminal.block.size);
    }
}

// Takes the marks out of a text; returns what is left of its size.
static size_t take_marks_locked(char *text, size_t size)
{
    char *mark;
    size_t from = 0;
    while ((mark = memmem(text + from, size - from, MARK, MARK_BYTES)) != NULL) {
        from = (size_t)(mark - text);
        size -= MARK_BYTES;
        memmove(mark, mark + MARK_BYTES, size - from);
        terminal.nmarks++;
        pthread_cond_broadcast(&terminal.has_mark);
    }
    return size;
}

// Shows what has come in; returns the size of what is not whole, which stands first then.
static size_t pass_locked(char *text, size_t size)
{
    size = take_marks_locked(text, size);
    size_t whole = lagoon__whole_size(text, size);
    show_locked(text, whole);
    memmove(text, text + whole, size - whole);
    return size - whole;
}

static void *pump(void *arg)
{
    (void)arg;
    static char text[COLUMN_HELD_MAX + PIECE_BYTES];
    size_t held = 0;
    for (;;) {
        ssize_t n = read(terminal.master, text + held, PIECE_BYTES);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return NULL;
        }
        pthread_mutex_lock(&terminal.lock);
        held = pass_locked(text, held + (size_t)n);
        pthread_mutex_unlock(&terminal.lock);
    }
}

// -- opened and closed --

static int private_copy(int fd)
{
    return fcntl(fd, F_DUPFD_CLOEXEC, FIRST_PRIVATE);
}

static void set_modes(void)
{
    terminal.editing = terminal.before;
    cfmakeraw(&terminal.editing);
    terminal.running = terminal.editing;
    terminal.running.c_lflag |= ISIG;
    terminal.running.c_iflag |= terminal.before.c_iflag & IXON;
}

static bool start_pump(void)
{
    sigset_t all;
    sigset_t old;
    pthread_t thread;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    bool is_started = pthread_create(&thread, NULL, pump, NULL) == 0;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return is_started && pthread_detach(thread) == 0;
}

static void take_size(void)
{
    struct winsize size;
    if (ioctl(terminal.tty, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
        ioctl(terminal.slave, TIOCSWINSZ, &size);
        lagoon__record_resize(size.ws_col, size.ws_row);
        terminal.column.columns = size.ws_col;
    }
}

// Waits until the thread has shown all that was written so far, for so long at most.
static void await_shown(int timeout_s)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += timeout_s;
    pthread_mutex_lock(&terminal.lock);
    uint64_t wanted = terminal.nmarks + 1;
    pthread_mutex_unlock(&terminal.lock);
    write_all(terminal.slave, MARK, MARK_BYTES);
    pthread_mutex_lock(&terminal.lock);
    while (terminal.nmarks < wanted &&
           pthread_cond_timedwait(&terminal.has_mark, &terminal.lock, &until) == 0) {
    }
    pthread_mutex_unlock(&terminal.lock);
}

// Whatever ends the process, the user's terminal is as it was.
static void restore(void)
{
    if (terminal.is_open) {
        if (terminal.is_drawn) {
            say(PASTES_OFF);
        }
        tcsetattr(terminal.tty, TCSANOW, &terminal.before);
    }
}

static void restore_at_exit(void)
{
    if (terminal.is_open) {
        await_shown(LAST_WORDS_S);
        restore();
    }
}

static bool open_pty(void)
{
    int master;
    int slave;
    struct winsize size = {.ws_row = 24, .ws_col = 80};
    struct termios modes = terminal.before;
    modes.c_iflag &= ~(tcflag_t)IXON; // or Ctrl-S would stop our marks, too
    ioctl(STDIN_FILENO, TIOCGWINSZ, &size);
    if (openpty(&master, &slave, NULL, &modes, &size) != 0) {
        return false;
    }
    terminal.master = private_copy(master);
    terminal.slave = private_copy(slave);
    close(master);
    close(slave);
    return terminal.master >= 0 && terminal.slave >= 0;
}

static bool open_terminal(void)
{
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) ||
        tcgetattr(STDIN_FILENO, &terminal.before) != 0 || !open_pty()) {
        return false;
    }
    terminal.tty = private_copy(STDOUT_FILENO);
    if (terminal.tty < 0 || !start_pump()) {
        return false;
    }
    set_modes();
    terminal.column.columns = 80;
    take_size();
    fflush(stdout);
    bool is_error_ours = isatty(STDERR_FILENO);
    dup2(terminal.slave, STDIN_FILENO);
    dup2(terminal.slave, STDOUT_FILENO);
    if (is_error_ours) {
        dup2(terminal.slave, STDERR_FILENO);
    }
    terminal.is_open = true;
    atexit(restore_at_exit);
    return true;
}

// open() -> a connection that brings the keys; false: there is no terminal.
static int open_it(lua_State *L)
{
    struct script *s = lagoon__script(L);
    if (terminal.is_open || !open_terminal()) {
        lua_pushboolean(L, 0);
        return 1;
    }
    char path[32];
    snprintf(path, sizeof path, "/proc/self/fd/%d", terminal.tty);
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    struct conn *conn = lagoon__object_new(L, s, KIND_CONN, sizeof *conn);
    if (fd < 0 || lg_conn_adopt_shared(fd, &conn->core) != LG_OK) {
        return luaL_error(L, "cannot read the terminal");
    }
    return 1;
}

// -- for the editor --

static void keep_text(struct kept_text *kept, const char *text, size_t size)
{
    char *bytes = realloc(kept->bytes, size + 1);
    if (bytes != NULL) {
        memcpy(bytes, text, size);
        kept->bytes = bytes;
    }
    kept->size = bytes ? size : 0;
}

// draw(block, wipe): shows the block in the place of the one before. All keys are the editor's.
static int draw(lua_State *L)
{
    size_t nblock;
    size_t nwipe;
    const char *block = luaL_checklstring(L, 1, &nblock);
    const char *wipe = luaL_checklstring(L, 2, &nwipe);
    pthread_mutex_lock(&terminal.lock);
    if (terminal.is_drawn) {
        show(terminal.wipe.bytes, terminal.wipe.size);
    } else {
        tcsetattr(terminal.tty, TCSADRAIN, &terminal.editing);
        end_line();
        say(PASTES_ON);
    }
    show(block, nblock);
    keep_text(&terminal.block, block, nblock);
    keep_text(&terminal.wipe, wipe, nwipe);
    terminal.is_drawn = true;
    pthread_mutex_unlock(&terminal.lock);
    return 0;
}

// leave(block): shows it for the last time. What is typed from here on is standard input's.
static int leave(lua_State *L)
{
    size_t nblock;
    const char *block = luaL_checklstring(L, 1, &nblock);
    pthread_mutex_lock(&terminal.lock);
    if (terminal.is_drawn) {
        show(terminal.wipe.bytes, terminal.wipe.size);
    }
    show(block, nblock);
    say(PASTES_OFF);
    tcsetattr(terminal.tty, TCSADRAIN, &terminal.running);
    terminal.is_drawn = false;
    terminal.column.at = 0;
    pthread_mutex_unlock(&terminal.lock);
    return 0;
}

// suspend(): stops the process as Ctrl-Z does, with the terminal as it was before.
static int suspend(lua_State *L)
{
    (void)L;
    tcsetattr(terminal.tty, TCSADRAIN, &terminal.before);
    raise(SIGTSTP); // this thread's: what follows is behind the stop
    return 0;
}

// resume(): after a stop, in which others had the terminal. The block is to be drawn again.
static int resume(lua_State *L)
{
    (void)L;
    pthread_mutex_lock(&terminal.lock);
    if (tcgetpgrp(terminal.tty) == getpgrp()) { // else setting them would stop us again
        tcsetattr(terminal.tty, TCSADRAIN, &terminal.running);
    }
    say("\r");
    terminal.is_drawn = false; // drawing changes the modes
    terminal.column.at = 0;
    pthread_mutex_unlock(&terminal.lock);
    return 0;
}

// clear(): wipes the whole screen; the block is to be drawn again.
static int clear(lua_State *L)
{
    (void)L;
    pthread_mutex_lock(&terminal.lock);
    say("\33[H\33[2J");
    keep_text(&terminal.wipe, "", 0);
    terminal.column.at = 0;
    pthread_mutex_unlock(&terminal.lock);
    return 0;
}

// drain(): waits until all that was written so far has been shown.
static int drain(lua_State *L)
{
    (void)L;
    fflush(stdout);
    await_shown(FOR_EVER_S);
    return 0;
}

// type(bytes): what was typed while an input runs.
static int type_in(lua_State *L)
{
    size_t size;
    const char *bytes = luaL_checklstring(L, 1, &size);
    ssize_t n = write(terminal.master, bytes, size); // what has no room is lost, as ever
    (void)n;
    return 0;
}

// typed() -> what was typed there and nobody has read.
static int typed(lua_State *L)
{
    luaL_Buffer buffer;
    struct termios now;
    luaL_buffinit(L, &buffer);
    if (tcgetattr(terminal.slave, &now) == 0) {
        struct termios at_once = now;
        at_once.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
        at_once.c_cc[VMIN] = 0;
        at_once.c_cc[VTIME] = 0;
        tcsetattr(terminal.slave, TCSANOW, &at_once);
        ssize_t n;
        while ((n = read(terminal.slave, luaL_prepbuffer(&buffer), LUAL_BUFFERSIZE)) >
               0) {
            luaL_addsize(&buffer, (size_t)n);
        }
        tcsetattr(terminal.slave, TCSANOW, &now);
    }
    luaL_pushresult(&buffer);
    return 1;
}

// size() -> columns, rows
static int size(lua_State *L)
{
    struct winsize size = {.ws_row = 24, .ws_col = 80};
    pthread_mutex_lock(&terminal.lock);
    take_size();
    ioctl(terminal.tty, TIOCGWINSZ, &size);
    pthread_mutex_unlock(&terminal.lock);
    lua_pushinteger(L, size.ws_col > 0 ? size.ws_col : 80);
    lua_pushinteger(L, size.ws_row > 0 ? size.ws_row : 24);
    return 2;
}

// close(): the process has the user's terminal again.
static int close_it(lua_State *L)
{
    (void)L;
    if (terminal.is_open) {
        drain(L);
        pthread_mutex_lock(&terminal.lock);
        restore();
        terminal.is_open = false;
        dup2(terminal.tty, STDIN_FILENO);
        dup2(terminal.tty, STDOUT_FILENO);
        if (isatty(STDERR_FILENO)) {
            dup2(terminal.tty, STDERR_FILENO);
        }
        pthread_mutex_unlock(&terminal.lock);
    }
    return 0;
}

void lagoon__push_terminal(lua_State *L, struct script *s)
{
    static const luaL_Reg functions[] = {
        {"open", open_it}, {"close", close_it},  {"draw", draw},
        {"leave", leave},  {"suspend", suspend}, {"resume", resume},
        {"clear", clear},  {"drain", drain},     {"type", type_in},
        {"typed", typed},  {"size", size},       {"width", lagoon__column_width},
        {NULL, NULL}};
    lua_newtable(L);
    lagoon__register(L, s, functions);
    lagoon__register(L, s, lagoon__record_functions);
    lagoon__register(L, s, lagoon__statefile_functions);
    lagoon__register(L, s, lagoon__sampler_functions);
}
