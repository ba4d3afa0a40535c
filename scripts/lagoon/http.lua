-- SPDX-License-Identifier: MIT
--
-- lagoon.http: HTTP/1.1 over lagoon.net.
local httpserver = require "lagoon.httpserver"

local http = {
    serve = httpserver.serve,
}

return http
