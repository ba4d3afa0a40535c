// SPDX-License-Identifier: MIT
//
// All that handlers call here may be called in them.
#include "ttysignals.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "listener.h"
#include "signals.h"

enum { END_PATIENCE_S = 2 };

// Written before handlers are there.
static struct {
    int tty;
    int slave;
    struct termios before;
    struct sigaction former;
    bool is_caught;
} watched = {.tty = -1};

static struct {
    _Atomic int signo;      // that has said so
    _Atomic bool is_minded; // else the process has come to it by itself
} end;

bool lagoon__ttysignals_is_ours(int tty)
{
    pid_t group = tcgetpgrp(tty);
    return group < 0 || group == getpgrp(); // of another session's we are no job
}

// As if nobody had caught it: shells tell a stop by this signal from others. Where nobody could have
// us go on the system does not stop us.
static void stop_here(void)
{
    sigset_t stop;
    sigset_t old;
    struct sigaction ours;
    struct sigaction usual;
    memset(&usual, 0, sizeof usual);
    usual.sa_handler = SIG_DFL;
    sigemptyset(&stop);
    sigaddset(&stop, SIGTSTP);
    sigaction(SIGTSTP, &usual, &ours);
    raise(SIGTSTP);
    pthread_sigmask(SIG_UNBLOCK, &stop, &old); // here
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    sigaction(SIGTSTP, &ours, NULL);
}

static void on_stop(int signo)
{
    int saved = errno;
    struct termios now;
    (void)signo;
    bool is_ours =
        lagoon__ttysignals_is_ours(watched.tty) && tcgetattr(watched.tty, &now) == 0;
    if (is_ours) {
        tcsetattr(watched.tty, TCSANOW, &watched.before);
    }
    stop_here();
    if (is_ours && lagoon__ttysignals_is_ours(watched.tty)) {
        tcsetattr(watched.tty, TCSANOW, &now);
    }
    errno = saved;
}

// Children were told before us, and may have looked already: they are told again.
static void on_resize(void)
{
    struct winsize now;
    struct winsize size;
    if (ioctl(watched.tty, TIOCGWINSZ, &now) == 0 && now.ws_col > 0 &&
        ioctl(watched.slave, TIOCGWINSZ, &size) == 0 &&
        (now.ws_col != size.ws_col || now.ws_row != size.ws_row)) {
        ioctl(watched.slave, TIOCSWINSZ, &now);
        kill(0, SIGWINCH);
    }
}

static void on_end(int signo)
{
    // relaxed: the ring orders it
    atomic_store_explicit(&end.signo, signo, memory_order_relaxed);
    lagoon__listener_ring(RING_END);
}

static void on_any(int signo)
{
    if (signo == SIGWINCH) {
        on_resize();
    } else if (signo == SIGTERM || signo == SIGHUP) {
        on_end(signo);
    }
}

static void *end_in_the_end(void *unused)
{
    (void)unused;
    const struct timespec patience = {.tv_sec = END_PATIENCE_S};
    clock_nanosleep(CLOCK_MONOTONIC, 0, &patience, NULL);
    // acquire: pairs with the release in lagoon__ttysignals_stop(); the modes are left alone
    if (atomic_load_explicit(&end.is_minded, memory_order_acquire)) {
        tcsetattr(watched.tty, TCSANOW, &watched.before);
        _exit(128 + atomic_load_explicit(&end.signo, memory_order_relaxed));
    }
    return NULL;
}

// A thread of its own: the listener's has others to heed.
static void heed_end(void)
{
    lagoon__start_thread(end_in_the_end, NULL);
}

static void mind_end(void)
{
    // relaxed: before there is a ring
    atomic_store_explicit(&end.is_minded, true, memory_order_relaxed);
    lagoon__listener_start(RING_END, heed_end);
}

void lagoon__ttysignals_start(int tty, int slave, const struct termios *before)
{
    struct sigaction action;
    watched.tty = tty;
    watched.slave = slave;
    watched.before = *before;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_stop;
    action.sa_flags = SA_RESTART | SA_ONSTACK; // goroutines' stacks are too small
    sigemptyset(&action.sa_mask);
    if (sigaction(SIGTSTP, NULL, &watched.former) == 0 &&
        watched.former.sa_handler != SIG_IGN) {
        watched.is_caught = sigaction(SIGTSTP, &action, NULL) == 0;
    }
    mind_end();
    lagoon__signals_tell_first(on_any);
}

void lagoon__ttysignals_stop(void)
{
    lagoon__signals_tell_first(NULL);
    // release: pairs with the acquire in end_in_the_end()
    atomic_store_explicit(&end.is_minded, false, memory_order_release);
    if (watched.is_caught) {
        sigaction(SIGTSTP, &watched.former, NULL);
        watched.is_caught = false;
    }
}
