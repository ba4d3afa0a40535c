-- SPDX-License-Identifier: MIT
--
-- The search, as goroutines: they run in Neovim's Lua, a little at a time, and may use its API.
local lagoon = require "lagoon"

local grep = {}

local BUDGET_S, PAUSE_MS = 0.002, 5

lagoon.runtime.procs(math.max(2, lagoon.runtime.num_cpu()))

-- == lagoon in Neovim's loop ==

local timer = vim.loop.new_timer()

-- Gives lagoon a moment now and then, as long as anything is going on in it.
local function drive()
    timer:start(0, PAUSE_MS, vim.schedule_wrap(function()
        lagoon.update(BUDGET_S)
        if lagoon.runtime.num_goroutine() == 0 then
            timer:stop()
        end
    end))
end

-- == the search ==

-- Sends the files below a folder, hidden ones left out; or the one file that a path names.
local function walk(path, files)
    local names = lagoon.fs.list(path)
    if not names then
        files:send(path)
        return
    end
    for _, name in ipairs(names) do
        local inner = path .. "/" .. name
        local stat = name:sub(1, 1) ~= "." and lagoon.fs.stat(inner)
        if stat and (stat.type == "file" or stat.type == "directory") then
            walk(inner, files)
        end
    end
end

-- A task's: in a Lua state of its own, on any core. Neovim's API is not there.
local function search_file(path, pattern)
    return require("search").file(path, pattern)
end

local function search(files, pattern)
    for path in files do
        local found = lagoon.parallel(search_file, path, pattern):wait()
        if found[1] then
            vim.fn.setqflist(found, "a")
        end
    end
end

local running

---Begins a search, and ends the one that may be going on.
---@param pattern string
---@param paths string[]
function grep.start(pattern, paths)
    grep.stop()
    vim.fn.setqflist({}, " ", { title = "Grep " .. pattern })
    local group, files = lagoon.group(), lagoon.chan(64)
    running = group
    lagoon.go(function()
        group:go(function()
            for _, path in ipairs(paths) do
                walk(path, files)
            end
            files:close()
        end)
        for _ = 1, 2 * lagoon.runtime.num_cpu() do
            group:go(search, files, pattern)
        end
        local ok, err = pcall(group.wait, group)
        print(ok and ("Grep: %d lines"):format(#vim.fn.getqflist()) or "Grep: " .. tostring(err))
    end)
    drive()
end

function grep.stop()
    if running then
        running:cancel()
        running = nil
    end
end

return grep
