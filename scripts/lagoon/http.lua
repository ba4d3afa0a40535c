-- SPDX-License-Identifier: MIT
--
-- lagoon.http: a server of HTTP/1.1, and a client, which libcurl does.
local httpclient = require "lagoon.httpclient"
local httpserver = require "lagoon.httpserver"

---@class lagoon.http
local http = {
    serve = httpserver.serve,
    get = httpclient.get,
    request = httpclient.request,
    close_idle = httpclient.close_idle,
}

return http
