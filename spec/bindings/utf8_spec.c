// SPDX-License-Identifier: MIT
//
// Names with any bytes in them, made fit for files of text.
#include "utf8.h"

#include <stdio.h>

#include "spec.h"

it("utf8_clean", "keeps characters, and nothing else")
{
    static const struct {
        const char *from;
        const char *to;
    } cases[] = {
        {"", ""},
        {"plain text; 1 + 1", "plain text; 1 + 1"},
        {"a\nb\x01\x7f", "a_b__"},
        {"\xc3\xa4 \xe2\x82\xac \xf0\x9f\x8c\x8a",
         "\xc3\xa4 \xe2\x82\xac \xf0\x9f\x8c\x8a"},
        {"\xff\xfe", "__"},
        {"cut \xe2\x82", "cut __"},
        {"\xe2\x82z\xc3", "__z_"},
        {"\xc0\x80 overlong", "__ overlong"},
        {"\xed\xa0\x80 surrogate", "___ surrogate"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[32];
        snprintf(text, sizeof text, "%s", cases[i].from);
        lagoon__utf8_clean(text, '_');
        CHECK_STR(text, cases[i].to);
    }
}

it("utf8_trim", "drops a part of a character at the end, and nothing else")
{
    static const struct {
        const char *cut;
        const char *expected;
    } cases[] = {
        {"", ""},
        {"abc", "abc"},
        {"a\xc3", "a"},
        {"a\xc3\xa4", "a\xc3\xa4"},
        {"\xe2\x82", ""},
        {"\xe2\x82\xac", "\xe2\x82\xac"},
        {"\xe2\x82\xac\xe2", "\xe2\x82\xac"},
        {"x\xf0\x9f\x98", "x"},
        {"x\xf0\x9f\x98\x80", "x\xf0\x9f\x98\x80"},
        {"x\xff", "x\xff"},                         // no character has it
        {"x\x80\x80\x80\x80", "x\x80\x80\x80\x80"}, // nor those by themselves
        {"x\xed\xa0", "x\xed\xa0"},                 // half of a pair is no beginning
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[16];
        snprintf(text, sizeof text, "%s", cases[i].cut);
        lagoon__utf8_trim(text);
        CHECK_STR(text, cases[i].expected);
    }
}
