// SPDX-License-Identifier: MIT
//
// What the fields of a head say about its body and its connection (RFC 9112, 6 and 9.3).
#ifndef LAGOON_HTTPFRAMING_H
#define LAGOON_HTTPFRAMING_H

#include "httphead.h"

// Fills framing, content_length, keeps_alive and expects_continue of a head whose fields are
// parsed, `bytes` being what they are parts of. False: refused, see the fault.
bool lagoon__http_frame_request(const char *bytes, struct http_head *head,
                                struct http_fault *fault);
bool lagoon__http_frame_response(const char *bytes, struct http_head *head,
                                 struct http_fault *fault);

#endif // LAGOON_HTTPFRAMING_H
