// SPDX-License-Identifier: MIT
#include "sched/inputlog.h"

#include <string.h>

#include "base/hash.h"

static const unsigned char magic[8] = "lagoon\x1aR";

_Static_assert(sizeof(struct log_head) == 40, "the same on all systems");

void lg__log_begin(uint64_t seed, unsigned char out[LOG_HEAD_BYTES])
{
    const uint32_t words[2] = {LOG_VERSION, 0};
    memcpy(out, magic, sizeof magic);
    memcpy(out + 8, words, sizeof words);
    memcpy(out + 16, &seed, sizeof seed);
}

static uint32_t check_of(const struct log_head *head, const void *bytes, uint32_t before)
{
    struct log_head plain = *head;
    plain.check = before;
    const struct hash_seed seed = {{UINT64_C(0x6c61676f6f6e5201), 0x9e3779b97f4a7c15ULL}};
    uint64_t hash = lg__hash(&plain, sizeof plain, &seed);
    const struct hash_seed next = {{hash, seed.words[1]}};
    hash = lg__hash(bytes, head->size_bytes, &next);
    return (uint32_t)(hash >> 32) ^ (uint32_t)hash;
}

void lg__log_seal(struct log_head *head, const void *bytes, uint32_t before)
{
    head->check = check_of(head, bytes, before);
}

const char *lg__log_open(const void *bytes, size_t size_bytes, uint64_t *out_seed,
                         struct log_reader *out)
{
    const unsigned char *at = bytes;
    uint32_t version;
    if (size_bytes < LOG_HEAD_BYTES || memcmp(at, magic, sizeof magic) != 0) {
        return "it is no recording of lagoon's";
    }
    memcpy(&version, at + 8, sizeof version);
    if (version != LOG_VERSION) {
        return "it is of another version of lagoon";
    }
    memcpy(out_seed, at + 16, sizeof *out_seed);
    *out = (struct log_reader){
        .at = at + LOG_HEAD_BYTES, .begin = at, .end = at + size_bytes};
    return *out_seed == 0 ? "it is damaged in its head" : NULL;
}

bool lg__log_next(struct log_reader *r, struct log_entry *out, const char **out_why)
{
    size_t left = (size_t)(r->end - r->at);
    struct log_entry entry;
    *out_why = NULL;
    if (left == 0) {
        return false;
    }
    if (left < sizeof entry.head) {
        *out_why = "it is cut off";
        return false;
    }
    memcpy(&entry.head, r->at, sizeof entry.head);
    if (entry.head.kind == 0 || entry.head.kind >= LOG_KINDS) {
        *out_why = "it is damaged";
        return false;
    }
    if (entry.head.size_bytes > left - sizeof entry.head) {
        *out_why = "it is cut off";
        return false;
    }
    entry.bytes = r->at + sizeof entry.head;
    if (check_of(&entry.head, entry.bytes, r->check) != entry.head.check) {
        *out_why = "it is damaged";
        return false;
    }
    r->at = entry.bytes + entry.head.size_bytes;
    r->check = entry.head.check;
    *out = entry;
    return true;
}
