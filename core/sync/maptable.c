// SPDX-License-Identifier: MIT
#include "sync/maptable.h"

static const lg_field entry_fields[] = {
    LG_FIELD(struct map_entry, place, LG_FIELD_UINT),
    LG_FIELD(struct map_entry, key, LG_FIELD_REF),
    LG_FIELD(struct map_entry, next, LG_FIELD_REF),
    LG_FIELD(struct map_entry, ref, LG_FIELD_REF),
    LG_FIELD(struct map_entry, bits, LG_FIELD_UINT),
    LG_FIELD(struct map_entry, key_size_bytes, LG_FIELD_UINT),
    LG_FIELD(struct map_entry, inline_key, LG_FIELD_BYTES),
};
static const lg_type_info entry_info = LG_TYPE_INFO(struct map_entry, entry_fields);

static const lg_field head_fields[] = {LG_FIELD(struct map_head, first, LG_FIELD_REF)};
static const lg_type_info head_info = LG_TYPE_INFO(struct map_head, head_fields);

int lg__map_types_open(lg_runtime *rt, struct map_types *out)
{
    struct map_types types = {.rt = rt};
    int err = lg_type_register(rt, &head_info, &types.heads);
    if (!err) {
        err = lg_type_register(rt, &entry_info, &types.entries);
    }
    if (!err) {
        *out = types;
    }
    return err;
}

struct map_entry *lg__map_entry_new(const struct map_types *types,
                                    const struct map_key *key)
{
    struct map_entry *entry = lg_new(types->entries);
    if (!entry) {
        return NULL;
    }
    unsigned char *bytes = entry->inline_key;
    if (key->size_bytes > MAP_INLINE_KEY_BYTES) {
        bytes = lg_new_bytes(types->rt, key->size_bytes);
        if (!bytes) {
            return NULL;
        }
    }
    memcpy(bytes, key->bytes, key->size_bytes);
    lg_store(&entry->key, bytes);
    entry->key_size_bytes = (uint32_t)key->size_bytes;
    entry->place = key->place;
    return entry;
}

map_link *lg__map_find_link(struct map_head *heads, uint8_t bits,
                            const struct map_key *key)
{
    map_link *link = &lg__map_head(heads, bits, key->place)->first;
    struct map_entry *entry = MAP_LOAD(link);
    while (entry && !lg__map_has_key(entry, key)) {
        link = &entry->next;
        entry = MAP_LOAD(link);
    }
    return entry ? link : NULL;
}

static int compare(const struct map_entry *a, const struct map_entry *b)
{
    if (a->place != b->place) {
        return a->place < b->place ? -1 : 1;
    }
    if (a->key_size_bytes != b->key_size_bytes) {
        return a->key_size_bytes < b->key_size_bytes ? -1 : 1;
    }
    return memcmp(a->key, b->key, a->key_size_bytes);
}

struct map_entry *lg__map_first(struct map_head *heads, uint8_t bits,
                                const struct map_part *part, struct map_entry *best)
{
    struct map_entry *entry = MAP_LOAD(&lg__map_head(heads, bits, part->first)->first);
    for (; entry; entry = MAP_LOAD(&entry->next)) {
        if (entry->place >= part->first && entry->place <= part->last &&
            (!part->behind || compare(entry, part->behind) > 0) &&
            (!best || compare(entry, best) < 0)) {
            best = entry;
        }
    }
    return best;
}

#ifdef LG_CHECK
size_t lg__map_bucket_verify(struct map_head *heads, uint8_t bits, size_t index)
{
    size_t count = 0;
    for (struct map_entry *entry = MAP_LOAD(&heads[index].first); entry;
         entry = MAP_LOAD(&entry->next)) {
        struct map_key key = {entry->key, entry->key_size_bytes, entry->place};
        LG_ASSERT(lg__map_head(heads, bits, entry->place) == &heads[index]);
        LG_ASSERT(lg__map_find(heads, bits, &key) == entry);
        LG_ASSERT((entry->key == entry->inline_key) ==
                  (entry->key_size_bytes <= MAP_INLINE_KEY_BYTES));
        count++;
    }
    return count;
}
#endif
