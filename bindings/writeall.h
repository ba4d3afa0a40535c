// SPDX-License-Identifier: MIT
#ifndef LAGOON_WRITEALL_H
#define LAGOON_WRITEALL_H

#include <stddef.h>

// Writes all of it, though the descriptor may be one that does not block. 0, or an errno: then
// perhaps a part was.
int lagoon__write_all(int fd, const void *bytes, size_t size);

#endif // LAGOON_WRITEALL_H
