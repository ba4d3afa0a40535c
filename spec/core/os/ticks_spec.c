// SPDX-License-Identifier: MIT
#include "os/ticks.h"
#include "spec.h"

static double rate_of(enum tick_source source)
{
    struct tick_moment begin = lg__tick_moment(source);
    struct tick_moment end;
    do {
        end = lg__tick_moment(source);
        CHECK(end.ticks >= begin.ticks);
        CHECK(end.ns >= begin.ns);
    } while (end.ns - begin.ns < 2000000);
    return (double)(end.ns - begin.ns) / (double)(end.ticks - begin.ticks);
}

it("ticks", "are nanoseconds where they are the clock's")
{
    double rate = rate_of(TICKS_CLOCK);
    CHECK(rate > 0.99 && rate < 1.01);
    CHECK(lg__tick_rate(TICKS_CLOCK, lg__tick_moment(TICKS_CLOCK), 1000000) == 1);
}

it("ticks", "run at one rate, which is soon known")
{
    enum tick_source source = lg__tick_source();
    struct tick_moment since = lg__tick_moment(source);
    double soon = lg__tick_rate(source, since, 100000);
    double later = lg__tick_rate(source, since, 5000000);
    double again = rate_of(source);
    CHECK(soon > later * 0.98 && soon < later * 1.02);
    CHECK(again > later * 0.98 && again < later * 1.02);
}
