-- SPDX-License-Identifier: MIT
--
-- Crawls a site: a goroutine for each page, of which a few at a time ask the server. The site is
-- one of its own, on this machine only.
--
-- usage: lagoon crawler.lua [PAGES]
local lagoon = require "lagoon"
local http = lagoon.http

local NFETCHING = 8
local npages = tonumber(arg[1]) or 200

-- -- the site --

-- Each page leads to a few others; some of those are not there.
local function serve_page(req, res)
    local n = tonumber(req.path:match("^/(%d+)$"))
    if not n or n >= npages then
        res.status = 404
        res:write("no such page\n")
        return
    end
    res.headers["Content-Type"] = "text/html"
    for _, to in ipairs { 2 * n + 1, 2 * n + 2, (7 * n + 3) % (npages + npages / 10) } do
        res:write(('<a href="/%d">page %d</a>\n'):format(to, to))
    end
end

-- -- the crawler --

-- All pages that can be reached: their paths and the status that each has given.
local function crawl(site)
    local statuses, slots, pages = {}, lagoon.semaphore(NFETCHING), lagoon.group()
    local visit

    local function fetch(path)
        slots:acquire()
        local res, err = http.get(site .. path, { timeout = 10 })
        local text = res and res:read("*a")
        slots:release()
        statuses[path] = res and res.status or err
        for link in (text or ""):gmatch 'href="(/[^"]*)"' do
            visit(link)
        end
    end

    function visit(path)
        if not statuses[path] then
            statuses[path] = "on its way"
            pages:go(fetch, path)
        end
    end

    visit("/0")
    pages:wait()
    return statuses
end

local server = assert(http.serve("127.0.0.1:0", serve_page))
local statuses = crawl("http://" .. server:addr())
server:close()

local counts, names = {}, {}
for _, status in pairs(statuses) do
    if not counts[status] then
        names[#names + 1] = status
    end
    counts[status] = (counts[status] or 0) + 1
end
table.sort(names, function(a, b) return tostring(a) < tostring(b) end)
for _, status in ipairs(names) do
    print(("%5d x %s"):format(counts[status], status))
end
