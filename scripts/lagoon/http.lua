-- SPDX-License-Identifier: MIT
--
-- lagoon.http: HTTP/1.1 over lagoon.net.
local httpclient = require "lagoon.httpclient"
local httpserver = require "lagoon.httpserver"

-- What few need is loaded when they call it.
local load = require

---@class lagoon.http
local http = {
    serve = httpserver.serve,
    get = httpclient.get,
    request = httpclient.request,
}

---Connects to a WebSocket. JavaScript: `new WebSocket(url)`.
---@async
---@param url string  "ws://host[:port]/path?query"
---@param opts? lagoon.WebSocketDialOptions
---@return lagoon.WebSocket? ws
---@return string? err
---@return string? code
function http.websocket(url, opts)
    return load("lagoon.websocketclient").dial(url, opts)
end

---@class lagoon.http
---@field null any  what stands for JSON's null, which nil cannot
setmetatable(http, {
    __index = function(_, name)
        return name == "null" and load("lagoon.json").null or nil
    end,
})

return http
