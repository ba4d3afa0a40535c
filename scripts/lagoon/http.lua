-- SPDX-License-Identifier: MIT
--
-- lagoon.http: HTTP/1.1 over lagoon.net.
local httpclient = require "lagoon.httpclient"
local httpserver = require "lagoon.httpserver"

---@class lagoon.http
local http = {
    serve = httpserver.serve,
    get = httpclient.get,
    request = httpclient.request,
}

return http
