-- SPDX-License-Identifier: MIT
--
-- lagoon.http: a server of HTTP/1.1, and a client, which libcurl does.
local core = require "lagoon.core"
local httpclient = require "lagoon.httpclient"
local httpserver = require "lagoon.httpserver"
local httpworkers = require "lagoon.httpworkers"

-- What few need is loaded when they call it.
local load = require

---@class lagoon.http
local http = {
    get = httpclient.get,
    request = httpclient.request,
    close_idle = httpclient.close_idle,
}

---Serves HTTP/1.1: has handler(req, res) called for each request, in the goroutine of its
---connection. Returns at once; with workers, when they listen. Go: `http.Serve`.
---@async
---@param address string  as for net.listen
---@param handler fun(req: lagoon.HttpRequest, res: lagoon.HttpResponseWriter)  with workers: is
---sent to them, as by `parallel`
---@param opts? lagoon.HttpServeOptions
---@return lagoon.HttpServer? server
---@return string? err
---@return string? code
function http.serve(address, handler, opts)
    if not (opts and opts.workers) then
        return httpserver.serve(address, handler, opts)
    end
    core.check_callable(handler, "serve")
    return httpworkers.serve(address, handler, httpserver.options_of(opts))
end

---Connects to a WebSocket. JavaScript: `new WebSocket(url)`.
---@async
---@param url string  "ws://host[:port]/path?query", or "wss://" for TLS
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
