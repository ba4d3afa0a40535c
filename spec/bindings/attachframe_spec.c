// SPDX-License-Identifier: MIT
//
// Frames of `lagoon attach`: in pieces of all sizes, and what is none.
#include "attachframe.h"

#include "spec.h"

// -- one frame --

static struct bytes in;

static void feed(const char *bytes, size_t size)
{
    CHECK_INT(lagoon__bytes_add(&in, bytes, size), 0);
}

// What stands at the beginning: its kind, 0 if it is not whole, -1 if it is none.
static int peek(const char **text, size_t *size)
{
    enum frame kind;
    int found = lagoon__frame_peek(&in, &kind, text, size);
    return found > 0 ? (int)kind : found;
}

it("a frame", "is read when its last byte has come")
{
    struct bytes out = {0};
    const char *text;
    size_t size;
    CHECK_INT(lagoon__frame_add(&out, FRAME_INPUT, "1 + 1", 5), 0);
    CHECK_INT(out.size, FRAME_HEAD + 5);
    for (size_t i = 0; i < out.size; i++) {
        CHECK_INT(peek(&text, &size), 0);
        feed(out.at + i, 1);
    }
    CHECK_INT(peek(&text, &size), FRAME_INPUT);
    CHECK_INT(size, 5);
    CHECK(memcmp(text, "1 + 1", 5) == 0);
    lagoon__bytes_skip(&in, FRAME_HEAD + size);
    CHECK_INT(in.size, 0);
    lagoon__bytes_free(&in);
    lagoon__bytes_free(&out);
}

it("a frame", "of no kind that a client sends, or too long a one, is none")
{
    static const struct {
        const char *bytes;
        size_t size;
        int is;
    } cases[] = {
        {"", 0, 0},
        {"G", 1, -1},
        {"\0", 1, -1},
        {"R\0\0\0\0", 5, -1},
        {"O", 1, -1},
        {"I\0\0\0", 4, 0},
        {"I\0\0\0\0", 5, FRAME_INPUT},
        {"C\0\0\0\0", 5, FRAME_INTERRUPT},
        {"W\0\0\0\0", 5, FRAME_SIZE},
        {"T\0\0\0\0", 5, FRAME_TAB},
        {"K\0\0\0\0", 5, FRAME_KEY},
        {"L\0\0\0\0", 5, -1},
        {"P", 1, -1},
        {"H\0\x10\0\0", 5, 0},
        {"H\0\x10\0\1", 5, -1},
        {"I\xff\xff\xff\xff", 5, -1},
        {"I\x80\0\0\0", 5, -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *text;
        size_t size;
        feed(cases[i].bytes, cases[i].size);
        CHECK_INT(peek(&text, &size), cases[i].is);
        lagoon__bytes_free(&in);
    }
}

it("a frame", "is cut where its text is too long for one")
{
    struct bytes out = {0};
    size_t size = FRAME_MAX + 3;
    char *text = calloc(1, size);
    CHECK(text != NULL);
    CHECK_INT(lagoon__frame_add(&out, FRAME_OUTPUT, text, size), 0);
    CHECK_INT(out.size, size + 2 * FRAME_HEAD);
    CHECK_INT(out.at[FRAME_HEAD + FRAME_MAX], FRAME_OUTPUT);
    CHECK_INT(out.at[out.size - 4], 3);
    free(text);
    lagoon__bytes_free(&out);
}

// -- many --

it("frames", "come out as they went in, however they are cut")
{
    struct spec_random random = spec_random_new(1);
    for (int round = 0; round < 200; round++) {
        struct bytes out = {0};
        uint32_t nsent = 1 + spec_random_below(&random, 8);
        size_t sizes[8] = {0};
        for (uint32_t i = 0; i < nsent; i++) {
            char text[64];
            sizes[i] = spec_random_below(&random, sizeof text);
            memset(text, (int)('a' + i), sizeof text);
            CHECK_INT(lagoon__frame_add(&out, FRAME_INPUT, text, sizes[i]), 0);
        }
        uint32_t nseen = 0;
        for (size_t at = 0; at < out.size;) {
            size_t n = 1 + (size_t)spec_random_below(&random, 40);
            n = n < out.size - at ? n : out.size - at;
            feed(out.at + at, n);
            at += n;
            const char *text;
            size_t size;
            while (peek(&text, &size) > 0) {
                CHECK(nseen < nsent);
                CHECK_INT(size, sizes[nseen]);
                CHECK(size == 0 || text[size - 1] == (char)('a' + nseen));
                lagoon__bytes_skip(&in, FRAME_HEAD + size);
                nseen++;
            }
        }
        CHECK_INT(nseen, nsent);
        CHECK_INT(in.size, 0);
        lagoon__bytes_free(&out);
        lagoon__bytes_free(&in);
    }
}

it("frames", "of random bytes do no harm")
{
    struct spec_random random = spec_random_new(2);
    for (int round = 0; round < 2000; round++) {
        char bytes[40];
        for (size_t i = 0; i < sizeof bytes; i++) {
            bool is_small = spec_random_below(&random, 3) > 0;
            bytes[i] = (char)spec_random_below(&random, is_small ? 4 : 256);
        }
        bytes[0] = "HICWTK?"[spec_random_below(&random, 7)];
        feed(bytes, 1 + (size_t)spec_random_below(&random, sizeof bytes));
        const char *text;
        size_t size;
        while (peek(&text, &size) > 0) {
            CHECK(size <= in.size - FRAME_HEAD);
            lagoon__bytes_skip(&in, FRAME_HEAD + size);
        }
        lagoon__bytes_free(&in);
    }
}
