// SPDX-License-Identifier: MIT
#include "mem/sizeclass.h"

#define ROW(bytes, npages)                                           \
    {                                                                \
        (bytes), (npages), (uint16_t)((npages)*PAGE_BYTES / (bytes)) \
    }

const struct size_class lg__classes[NCLASSES] = {
    {0, 0, 0},     ROW(8, 1),     ROW(16, 1),    ROW(24, 1),    ROW(32, 1),
    ROW(48, 1),    ROW(64, 1),    ROW(80, 1),    ROW(96, 1),    ROW(112, 1),
    ROW(128, 1),   ROW(144, 1),   ROW(160, 1),   ROW(176, 1),   ROW(192, 1),
    ROW(208, 1),   ROW(224, 1),   ROW(240, 1),   ROW(256, 1),   ROW(288, 1),
    ROW(320, 1),   ROW(352, 1),   ROW(384, 1),   ROW(416, 1),   ROW(448, 1),
    ROW(480, 1),   ROW(512, 1),   ROW(576, 1),   ROW(640, 1),   ROW(704, 1),
    ROW(768, 1),   ROW(832, 1),   ROW(896, 1),   ROW(960, 1),   ROW(1024, 1),
    ROW(1152, 1),  ROW(1280, 1),  ROW(1408, 2),  ROW(1536, 1),  ROW(1664, 2),
    ROW(1792, 1),  ROW(1920, 1),  ROW(2048, 1),  ROW(2304, 2),  ROW(2560, 1),
    ROW(2816, 3),  ROW(3072, 2),  ROW(3328, 3),  ROW(3584, 1),  ROW(3840, 1),
    ROW(4096, 1),  ROW(4608, 3),  ROW(5120, 2),  ROW(5632, 3),  ROW(6144, 3),
    ROW(6656, 5),  ROW(7168, 1),  ROW(7680, 1),  ROW(8192, 1),  ROW(9216, 5),
    ROW(10240, 4), ROW(11264, 3), ROW(12288, 3), ROW(13312, 5), ROW(14336, 2),
    ROW(15360, 2), ROW(16384, 2), ROW(18432, 5), ROW(20480, 5), ROW(22528, 3),
    ROW(24576, 3), ROW(26624, 7), ROW(28672, 4), ROW(30720, 4), ROW(32768, 4),
};

// A class for 2, 4 or 8 multiples of 8, and four classes in a row.
#define X2(class) (class), (class)
#define X4(class) X2(class), X2(class)
#define X8(class) X4(class), X4(class)
#define FOUR(x, class) x(class), x((class) + 1), x((class) + 2), x((class) + 3)

// 48 and 64 to 128 in steps of 16, to 256 in steps of 16, then 32, then 64.
#define FROM_48                                                                        \
    X2(5), X2(6), FOUR(X2, 7), FOUR(X2, 11), FOUR(X2, 15), FOUR(X4, 19), FOUR(X4, 23), \
        FOUR(X8, 27), FOUR(X8, 31)

const uint8_t lg__class_lookup[LOOKUP_BYTES_MAX / 8 + 1] = {1, 1, 2, 3, 4, FROM_48};
const uint8_t lg__class_lookup_aligned[LOOKUP_BYTES_MAX / 8 + 1] = {1, 1, 2,
                                                                    4, 4, FROM_48};

uint32_t lg__class_compute(size_t size_bytes)
{
    if (size_bytes > SMALL_BYTES_MAX) {
        return 0;
    }
    // The doubling that the size lies in, 2^shift < size <= 2^(shift + 1), is cut in eight.
    uint32_t last = (uint32_t)size_bytes - 1;
    uint32_t shift = 31 - (uint32_t)__builtin_clz(last);
    uint32_t eighth = last >> (shift - 3); // 8 to 15
    // Class 11 is the first above 128 = 2^7.
    return (shift - 7) * 8 + (eighth - 8) + 11;
}
