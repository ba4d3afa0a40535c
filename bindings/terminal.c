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
#include <unistd.h>

#include "column.h"
#include "display.h"
#include "fail.h"
#include "net.h"
#include "record.h"
#include "sampler.h"
#include "state.h"
#include "statefile.h"
#include "tick.h"
#include "timed.h"
#include "ttymodes.h"
#include "ttyshare.h"
#include "ttysignals.h"
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

static struct {
    // -- set when it is opened --
    int tty;    // the user's
    int master; // ours
    int slave;  // what 0, 1 and 2 are
    bool is_error_ours;
    struct termios before;
    struct termios editing; // every key comes to us
    struct termios running; // but those that send signals

    pthread_mutex_t lock;
    // -- lock --
    bool is_open;
    bool is_lent;            // a child has it, with modes of its own
    struct display display;  // what is to be seen
    uint64_t nmarks;         // that were passed
    pthread_cond_t has_mark; // nmarks has grown
} terminal = {
    .tty = -1, .lock = PTHREAD_MUTEX_INITIALIZER, .has_mark = PTHREAD_COND_INITIALIZER};

// If the terminal is gone nobody sees what is lost.
static void write_all(int fd, const char *text, size_t size)
{
    (void)lagoon__write_all(fd, text, size);
}

static void say(const char *text)
{
    lagoon__display_say(&terminal.display, text);
}

// -- what is written, to the user --

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
    lagoon__display_pass(&terminal.display, text, whole);
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
        terminal.display.column.columns = size.ws_col;
    }
}

// Waits until the thread has shown all that was written so far, for so long at most.
static void await_shown(int timeout_s)
{
    const struct timespec end = lagoon__timed_end(timeout_s * INT64_C(1000000000));
    pthread_mutex_lock(&terminal.lock);
    uint64_t wanted = terminal.nmarks + 1;
    pthread_mutex_unlock(&terminal.lock);
    write_all(terminal.slave, MARK, MARK_BYTES);
    pthread_mutex_lock(&terminal.lock);
    while (terminal.nmarks < wanted &&
           lagoon__timed_cond(&terminal.has_mark, &terminal.lock, &end)) {
    }
    pthread_mutex_unlock(&terminal.lock);
}

// Whatever ends the process, the user's terminal is as it was.
static void restore_locked(void)
{
    if (terminal.is_open) {
        if (terminal.display.is_drawn) {
            say(PASTES_OFF);
        }
        tcsetattr(terminal.tty, TCSANOW, &terminal.before);
    }
}

// On any thread: the state may be closing it at this moment.
static void restore_at_exit(void)
{
    pthread_mutex_lock(&terminal.lock);
    bool is_open = terminal.is_open;
    pthread_mutex_unlock(&terminal.lock);
    if (is_open) {
        await_shown(LAST_WORDS_S);
        pthread_mutex_lock(&terminal.lock);
        restore_locked();
        pthread_mutex_unlock(&terminal.lock);
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
    terminal.display.tty = terminal.tty;
    if (terminal.tty < 0 || !start_pump()) {
        return false;
    }
    lagoon__ttyshare_init(terminal.tty);
    lagoon__modes_make(&terminal.before, &terminal.editing, &terminal.running);
    terminal.display.column.columns = 80;
    take_size();
    fflush(stdout);
    terminal.is_error_ours = isatty(STDERR_FILENO);
    dup2(terminal.slave, STDIN_FILENO);
    dup2(terminal.slave, STDOUT_FILENO);
    if (terminal.is_error_ours) {
        dup2(terminal.slave, STDERR_FILENO);
    }
    pthread_mutex_lock(&terminal.lock);
    terminal.is_open = true;
    pthread_mutex_unlock(&terminal.lock);
    lagoon__ttysignals_start(terminal.tty, terminal.slave, &terminal.before);
    atexit(restore_at_exit);
    return true;
}

// keys() -> a connection that brings them, until leave_keys() leaves them to others.
static int keys(lua_State *L)
{
    struct script *s = lagoon__script(L);
    int fd = lagoon__ttyshare_open();
    struct conn *conn = lagoon__object_new(L, s, KIND_CONN, sizeof *conn);
    if (fd < 0 || lg_conn_adopt_shared(fd, &conn->core) != LG_OK) {
        return luaL_error(L, "cannot read the terminal");
    }
    return 1;
}

// leave_keys(conn): what it has got that nobody has taken yet is the program's.
static int leave_keys(lua_State *L)
{
    struct conn *conn = lagoon__check_conn(L, "close");
    const void *bytes;
    size_t n;
    while ((n = lg_conn_peek(conn->core, &bytes)) > 0) {
        write_all(terminal.master, bytes, n);
        lg_conn_skip(conn->core, n);
    }
    lg_conn_close(conn->core);
    return 0;
}

// open() -> keys(); false: there is no terminal.
static int open_it(lua_State *L)
{
    if (terminal.is_open || !open_terminal()) {
        lua_pushboolean(L, 0);
        return 1;
    }
    return keys(L);
}

// -- for the editor --

static struct text check_text(lua_State *L, int index)
{
    struct text text;
    text.bytes = luaL_checklstring(L, index, &text.size);
    return text;
}

// draw(block, wipe): shows the block in the place of the one before. All keys are the editor's.
static int draw(lua_State *L)
{
    struct text block = check_text(L, 1);
    struct text wipe = check_text(L, 2);
    pthread_mutex_lock(&terminal.lock);
    if (!terminal.display.is_drawn) {
        tcsetattr(terminal.tty, TCSADRAIN, &terminal.editing);
        lagoon__display_end_line(&terminal.display);
        say(PASTES_ON);
    }
    lagoon__display_draw(&terminal.display, block, wipe);
    pthread_mutex_unlock(&terminal.lock);
    return 0;
}

// leave(block): shows it for the last time. What is typed from here on is standard input's.
static int leave(lua_State *L)
{
    struct text block = check_text(L, 1);
    pthread_mutex_lock(&terminal.lock);
    lagoon__display_leave(&terminal.display, block);
    say(PASTES_OFF);
    tcsetattr(terminal.tty, TCSADRAIN, &terminal.running);
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

// resume() -> whether it is ours, after a stop in which others had it: false in the background. The
// block is to be drawn again.
static int resume(lua_State *L)
{
    bool is_ours = lagoon__ttysignals_is_ours(terminal.tty);
    pthread_mutex_lock(&terminal.lock);
    if (is_ours && !terminal.is_lent) {
        tcsetattr(terminal.tty, TCSADRAIN, &terminal.running);
        say("\r");
        terminal.display.is_drawn = false; // drawing changes the modes
        terminal.display.column.at = 0;
        terminal.display.column.is_unknown = false;
    }
    pthread_mutex_unlock(&terminal.lock);
    lua_pushboolean(L, is_ours);
    return 1;
}

// clear(): wipes the whole screen; the block is to be drawn again.
static int clear(lua_State *L)
{
    (void)L;
    pthread_mutex_lock(&terminal.lock);
    lagoon__display_clear(&terminal.display);
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
    lagoon__modes_push_unread(L, terminal.slave);
    return 1;
}

// -- for children --

// lend(fd) -> a path of it, whether standard error is it, too: a child may have it now, with the modes
// that the program has set for its own. All that was written so far is shown. Where it has no path that
// is nil, and what is started until started() finds it as descriptor fd.
static int lend(lua_State *L)
{
    int fd = luaL_checkint(L, 1);
    fflush(stdout);
    await_shown(FOR_EVER_S);
    pthread_mutex_lock(&terminal.lock);
    if (!terminal.is_lent) {
        terminal.is_lent = true;
        lagoon__modes_lend(terminal.tty, terminal.slave, &terminal.before);
        // A child would find ends of lines in it that are none: it is the program's.
        lagoon__ttyshare_pass_pending(terminal.master);
    }
    pthread_mutex_unlock(&terminal.lock);
    bool is_unlike = fd == STDERR_FILENO && !terminal.is_error_ours;
    lagoon__ttyshare_push_path(L, is_unlike ? STDIN_FILENO : fd);
    lua_pushboolean(L, terminal.is_error_ours);
    return 2;
}

// started(): whoever is started from here on finds the program's descriptors again.
static int started(lua_State *L)
{
    (void)L;
    lagoon__ttyshare_end(terminal.slave);
    return 0;
}

// keep_modes(): those that a child has left are the program's now.
static int keep_modes(lua_State *L)
{
    (void)L;
    lagoon__modes_keep(terminal.tty, terminal.slave);
    return 0;
}

// take_back(): no child has it any more. Where the cursor is only the terminal knows.
static int take_back(lua_State *L)
{
    (void)L;
    lagoon__ttyshare_end(terminal.slave); // its start has failed
    pthread_mutex_lock(&terminal.lock);
    if (terminal.is_lent) {
        terminal.is_lent = false;
        tcsetattr(terminal.tty, TCSADRAIN, &terminal.running);
        take_size();
        terminal.display.column.is_unknown = true;
    }
    pthread_mutex_unlock(&terminal.lock);
    return 0;
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
        restore_locked();
        terminal.is_open = false;
        lagoon__ttysignals_stop();
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
    static const luaL_Reg functions[] = {{"open", open_it},
                                         {"close", close_it},
                                         {"keys", keys},
                                         {"leave_keys", leave_keys},
                                         {"draw", draw},
                                         {"leave", leave},
                                         {"suspend", suspend},
                                         {"resume", resume},
                                         {"clear", clear},
                                         {"drain", drain},
                                         {"type", type_in},
                                         {"typed", typed},
                                         {"lend", lend},
                                         {"started", started},
                                         {"keep_modes", keep_modes},
                                         {"take_back", take_back},
                                         {"size", size},
                                         {"width", lagoon__column_width},
                                         {NULL, NULL}};
    lua_newtable(L);
    lagoon__register(L, s, functions);
    lagoon__register(L, s, lagoon__record_functions);
    lagoon__register(L, s, lagoon__statefile_functions);
    lagoon__register(L, s, lagoon__sampler_functions);
    lagoon__register(L, s, lagoon__tick_functions);
}
