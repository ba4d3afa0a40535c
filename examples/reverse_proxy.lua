-- SPDX-License-Identifier: MIT
--
-- A reverse proxy: passes requests on to servers behind it, each in its turn, and leaves out one
-- that does not answer. Responses are passed on as they come.
--
--   lagoon examples/reverse_proxy.lua ADDRESS BACKEND...   say 127.0.0.1:8080 127.0.0.1:9001
--   lagoon examples/reverse_proxy.lua --try                has servers and clients of its own
local lagoon = require "lagoon"
local http = lagoon.http

-- Fields that are about a connection, and so end here (RFC 9110, 7.6.1), and those that the client
-- and the server see to by themselves.
local NOT_PASSED = {}
for _, name in ipairs { "connection", "keep-alive", "proxy-connection", "te", "trailer", "upgrade",
    "transfer-encoding", "expect", "host", "x-forwarded-for" } do
    NOT_PASSED[name] = true
end

-- The fields to pass on, by name, without one more.
local function passed(headers, also_dropped)
    local dropped = setmetatable({ [also_dropped] = true }, { __index = NOT_PASSED })
    for name in table.concat(headers:all("Connection"), ","):gmatch "[^%s,]+" do
        dropped[name:lower()] = true
    end
    local fields = {}
    for name, value in headers:each() do
        if not dropped[name:lower()] then
            fields[name] = fields[name] or {}
            table.insert(fields[name], value)
        end
    end
    return fields
end

-- Asks the servers, one after the other, until one has answered.
local function ask(backends, req, body)
    local fields = passed(req.headers, "content-length") -- the client counts by itself
    fields["X-Forwarded-For"] = req.remote_addr:gsub(":%d+$", "")
    local turn, err = backends.turn, nil
    backends.turn = turn + 1
    for i = 0, #backends - 1 do
        local backend = backends[(turn + i) % #backends + 1]
        local answer, ask_err = http.request { url = "http://" .. backend .. req.target,
            method = req.method, headers = fields, body = body, timeout = 30, max_redirects = 0 }
        if answer then
            return answer
        end
        err = ask_err
    end
    return nil, err
end

local function proxy(backends, req, res)
    local body, body_err = req:read("*a")
    if body_err then
        return
    end
    local answer, err = ask(backends, req, body ~= "" and body or nil)
    if not answer then
        res.status = 502
        res:write("bad gateway: ", err, "\n")
        return
    end
    res.status = answer.status
    for name, values in pairs(passed(answer.headers, "date")) do
        for _, value in ipairs(values) do
            res.headers:add(name, value)
        end
    end
    local data, read_err = answer:read()
    while data and res:write(data) do
        data, read_err = answer:read()
    end
    answer:close()
    assert(not read_err, read_err) -- the client is to see that something is missing
end

local function serve(address, backends)
    backends.turn = 0
    return assert(http.serve(address, function(req, res)
        proxy(backends, req, res)
    end))
end

-- Three servers, of which one has stopped, and so many requests.
local function try(nrequests)
    local servers, backends = {}, {}
    for i = 1, 3 do
        servers[i] = assert(http.serve("127.0.0.1:0", function(req, res)
            res:write("server ", i, " for ", req.headers["X-Forwarded-For"], ": ", req.method, " ",
                req.target, " ", req:read("*a"))
        end))
        backends[i] = servers[i]:addr()
    end
    servers[2]:close()
    local front, counts, clients = serve("127.0.0.1:0", backends), {}, lagoon.group()
    for i = 1, nrequests do
        clients:go(function()
            local res = assert(http.request { url = "http://" .. front:addr() .. "/page?" .. i,
                method = "POST", body = "body " .. i })
            local n, rest = res:read("*a"):match("^server (%d) for 127.0.0.1: (.*)$")
            assert(rest == ("POST /page?%d body %d"):format(i, i))
            counts[n] = (counts[n] or 0) + 1
        end)
    end
    clients:wait()
    front:close()
    servers[1]:close()
    servers[3]:close()
    print(("%d answers, of %s"):format(counts["1"] + counts["3"], counts["2"] or "two servers"))
end

if arg[1] == "--try" then
    try(30)
else
    local backends = { unpack(arg, 2) }
    assert(arg[1] and backends[1], "usage: lagoon reverse_proxy.lua ADDRESS BACKEND...")
    local server = serve(arg[1], backends)
    print("http://" .. server:addr())
    server:wait()
end
